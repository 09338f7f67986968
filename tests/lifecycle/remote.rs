//! A client here and a session on another machine: `fourhands setup --ssh`, and what was written at work over a real sshd
//! on the loopback. Where there is no sshd, a stand-in for ssh runs the command here as sshd does: one line for a shell, in
//! another home, with little environment.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::support::client::{Client, Era};
use crate::support::{BINARY, Home, Server, python, wait_until};

/// Two homes, and a command `ssh` that leads from one to the host `server`, which has the other.
struct Machines {
    here: Home,
    there: Home,
    sshd: Option<Child>,
}

fn write(path: &Path, mode: u32, text: &str) -> PathBuf {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    // Written by another process: a fork beside this one would keep our descriptor open for writing.
    let mut cat = Command::new("sh").arg("-c").arg("cat > \"$0\"").arg(path).stdin(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut cat.stdin.take().unwrap(), text.as_bytes()).unwrap();
    assert!(cat.wait().unwrap().success());
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    path.to_owned()
}

/// The sshd of this machine; `FOURHANDS_SSHD` names another one.
fn find_sshd() -> Option<PathBuf> {
    let named = std::env::var_os("FOURHANDS_SSHD").map(PathBuf::from);
    named.or_else(|| Some(PathBuf::from("/usr/sbin/sshd")).filter(|path| path.exists()))
}

impl Machines {
    fn new() -> Self {
        let mut machines = Self { here: Home::new(), there: Home::new(), sshd: None };
        if let Some(sshd) = find_sshd() {
            machines.start(&sshd);
        } else {
            eprintln!("there is no sshd here: a stand-in for ssh runs the commands");
            machines.stand_in();
        }
        machines
    }

    fn ssh(&self) -> PathBuf {
        self.here.path().join("bin/ssh")
    }

    fn start(&mut self, sshd: &Path) {
        let folder = self.here.path().join("sshd");
        fs::create_dir(&folder).unwrap();
        for key in ["host", "user"] {
            let mut keygen = Command::new("ssh-keygen");
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(folder.join(key));
            assert!(keygen.status().unwrap().success());
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (at, there) = (folder.display(), self.there.path().display());
        let server = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {at}/host\nAuthorizedKeysFile {at}/user.pub\nStrictModes no\n\
             UsePAM no\nPidFile none\nPermitRootLogin yes\n\
             SetEnv HOME={there} FOURHANDS_TMP={there} PATH={there}/bin:/usr/bin:/bin\n"
        );
        let server = write(&folder.join("server"), 0o600, &server);
        let log = fs::File::create(folder.join("log")).unwrap();
        let mut command = Command::new(sshd);
        // It wants an absolute path of itself, and keeps to its group.
        command.args(["-D", "-e", "-f"]).arg(server).stderr(log).stdin(Stdio::null()).process_group(0);
        self.sshd = Some(command.spawn().unwrap());
        wait_until("sshd", || {
            fs::read_to_string(folder.join("log")).unwrap().contains("Server listening").then_some(())
        });
        let client = format!(
            "Host server\nHostName 127.0.0.1\nPort {port}\nIdentityFile {at}/user\nIdentitiesOnly yes\n\
             StrictHostKeyChecking no\nUserKnownHostsFile {at}/known\nLogLevel ERROR\n"
        );
        let client = write(&folder.join("client"), 0o600, &client);
        let real = real_ssh();
        // Clients find `ssh` on PATH; this one has a configuration of its own.
        let ssh = format!("#!/bin/sh\nexec {} -F {} \"$@\"\n", real.display(), client.display());
        write(&self.ssh(), 0o755, &ssh);
    }

    fn stand_in(&self) {
        let there = self.there.path().display();
        let script = format!(
            "#!/bin/sh\nwhile :; do case \"$1\" in -T) shift ;; -o) shift 2 ;; *) break ;; esac; done\n\
             [ \"$1\" = server ] || {{ echo \"ssh: Could not resolve hostname $1: Name or service not known\" >&2; exit 255; }}\n\
             shift\ncd {there} && exec env -i HOME={there} FOURHANDS_TMP={there} PATH={there}/bin:/usr/bin:/bin sh -c \"$*\"\n"
        );
        write(&self.ssh(), 0o755, &script);
    }

    fn path(&self) -> String {
        format!("{}:/usr/bin:/bin", self.ssh().parent().unwrap().display())
    }

    /// Sets Cursor up for the host.
    fn setup(&self, host: &str, options: &[&str]) -> Output {
        let mut setup = self.here.fourhands();
        setup.args(["setup", "cursor", "--ssh", host, "--yes"]).args(options).env("PATH", self.path());
        setup.stdin(Stdio::null()).output().unwrap()
    }

    /// A client that starts what Cursor would start.
    fn client(&self, name: &str) -> Client {
        let file = fs::read_to_string(self.here.path().join(".cursor/mcp.json")).unwrap();
        let entry = serde_json::from_str::<Value>(&file).unwrap()["mcpServers"]["fourhands"].clone();
        let arguments = entry["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned());
        let mut command = Command::new(self.ssh().with_file_name(entry["command"].as_str().unwrap()));
        command.args(arguments).env_clear().env("PATH", self.path()).env("HOME", self.here.path());
        Client::start(command, name, Era::Legacy)
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        if let Some(sshd) = &mut self.sshd {
            let _ = killpg(Pid::from_raw(sshd.id() as i32), Signal::SIGTERM);
            let _ = sshd.wait();
        }
    }
}

/// The `ssh` of this machine.
fn real_ssh() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path).map(|folder| folder.join("ssh")).find(|ssh| ssh.exists()).expect("no ssh on PATH")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_client_works_in_a_session_on_another_machine() {
    let machines = Machines::new();
    // What is missing is said here, and nothing is written.
    let away = said(&machines.setup("nowhere.invalid", &[]));
    assert!(away.contains("ssh cannot reach nowhere.invalid") && away.contains("resolve hostname"), "{away}");
    let bare = said(&machines.setup("server", &[]));
    assert!(bare.contains("server has no fourhands") && bare.contains("Install it there"), "{bare}");
    assert!(!machines.here.path().join(".cursor").exists());

    let program = machines.there.path().join(".local/bin/fourhands");
    fs::create_dir_all(program.parent().unwrap()).unwrap();
    symlink(BINARY, &program).unwrap();
    let done = machines.setup("server", &["--session", "far"]);
    assert!(done.status.success() && said(&done).contains("on server"), "{}", said(&done));

    let mut far = machines.there.fourhands();
    far.args(["serve", "--session", "far", "--python"]).arg(python());
    let session = Server::start(far);
    let mut client = machines.client("near");
    assert_eq!(
        client.run("import os; x = 6 * 7; os.environ['HOME']")["result"],
        format!("'{}'", machines.there.path().display())
    );

    // A lost connection ends the bridge there. The session goes on, and the next client finds its names.
    client.send("tools/call", json!({"name": "run_python_code", "arguments": {"code": "import time; time.sleep(60)"}}));
    session.wait_for_line("time.sleep(60)");
    client.child.kill().unwrap();
    client.child.wait().unwrap();
    drop(client);
    session.wait_for_line("near left");
    let mut next = machines.client("near");
    assert_eq!(next.run("x")["result"], "42");
    assert!(next.close().success());
    drop(session);

    // Without a session the bridge starts one there; until it is ready, the client is told so.
    assert!(machines.setup("server", &["--session", "later", "--serve"]).status.success());
    let slow = format!("#!/bin/sh\nsleep 2\nexec {} \"$@\"\n", python().display());
    write(&machines.there.path().join("bin/python3"), 0o755, &slow);
    let mut client = machines.client("early");
    let answer = wait_until("the slow session", || {
        let answer = client.call("run_python_code", json!({"code": "20 + 22"}));
        let text = Client::text(&answer);
        assert!(answer["isError"] != true || text.contains("starting"), "{text}");
        (answer["isError"] != true).then_some(answer)
    });
    assert_eq!(answer["structuredContent"]["result"], "42");
    assert!(client.close().success());
}
