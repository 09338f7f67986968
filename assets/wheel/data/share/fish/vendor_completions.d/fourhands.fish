# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_fourhands_global_optspecs
    string join \n session= python= with= script= resume= replay= keep-processes gate= plain h/help V/version
end

function __fish_fourhands_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_fourhands_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_fourhands_using_subcommand
    set -l cmd (__fish_fourhands_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c fourhands -n "__fish_fourhands_needs_command" -l session -d 'Session name [default: from the folder\'s name]' -r
complete -c fourhands -n "__fish_fourhands_needs_command" -l python -d 'Python interpreter, virtual environment or command' -r -F
complete -c fourhands -n "__fish_fourhands_needs_command" -l with -d 'Add packages, such as numpy,pandas' -r
complete -c fourhands -n "__fish_fourhands_needs_command" -l script -d 'Use the packages that a script names' -r -F
complete -c fourhands -n "__fish_fourhands_needs_command" -l resume -d 'Resume a past session by name or id [default: last]' -r
complete -c fourhands -n "__fish_fourhands_needs_command" -l replay -d 'Rerun its snippets' -r -f -a "ok\t'Snippets that succeeded (the default)'
all\t'Also snippets that failed or were interrupted'
mine\t'Your own snippets that succeeded'"
complete -c fourhands -n "__fish_fourhands_needs_command" -l gate -d 'When client code runs: watch, ask-at-risk, ask, hold' -r -f -a "watch\t'Code runs at once'
ask-at-risk\t'Code waits before a risk'
ask\t'Code waits until you allow it'
hold\t'Code waits, and you are not asked'"
complete -c fourhands -n "__fish_fourhands_needs_command" -l keep-processes -d 'Keep processes that snippets started'
complete -c fourhands -n "__fish_fourhands_needs_command" -l plain -d 'Use plain lines: for screen readers and pipes'
complete -c fourhands -n "__fish_fourhands_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c fourhands -n "__fish_fourhands_needs_command" -s V -l version -d 'Print version'
complete -c fourhands -n "__fish_fourhands_needs_command" -f -a "demo" -d 'See fourhands at work, with a scripted client'
complete -c fourhands -n "__fish_fourhands_needs_command" -f -a "setup" -d 'Register fourhands with AI clients'
complete -c fourhands -n "__fish_fourhands_needs_command" -f -a "serve" -d 'Run a session without a dashboard'
complete -c fourhands -n "__fish_fourhands_needs_command" -f -a "bridge" -d 'Connect an AI client to a session (its MCP server command)'
complete -c fourhands -n "__fish_fourhands_needs_command" -f -a "sessions" -d 'List, prune, restore and erase sessions'
complete -c fourhands -n "__fish_fourhands_needs_command" -f -a "export" -d 'Export a session as a script, notebook, document or JSON'
complete -c fourhands -n "__fish_fourhands_needs_command" -f -a "config" -d 'Check the settings, or print an example'
complete -c fourhands -n "__fish_fourhands_needs_command" -f -a "doctor" -d 'Check Python, terminal, clients and files, with remedies'
complete -c fourhands -n "__fish_fourhands_needs_command" -f -a "completions" -d 'Print completions for bash, zsh or fish, or a manual page'
complete -c fourhands -n "__fish_fourhands_needs_command" -f -a "stop" -d 'End a running session'
complete -c fourhands -n "__fish_fourhands_needs_command" -f -a "help" -d 'Print the help of a command'
complete -c fourhands -n "__fish_fourhands_using_subcommand demo" -l python -d 'Python interpreter, virtual environment or command' -r -F
complete -c fourhands -n "__fish_fourhands_using_subcommand demo" -l fast -d 'Play without pauses'
complete -c fourhands -n "__fish_fourhands_using_subcommand demo" -l plain -d 'Use plain lines: for screen readers and pipes'
complete -c fourhands -n "__fish_fourhands_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c fourhands -n "__fish_fourhands_using_subcommand setup" -l session -d 'Session to connect to [default: found by folder]' -r
complete -c fourhands -n "__fish_fourhands_using_subcommand setup" -l ssh -d 'Reach fourhands on another machine by ssh' -r
complete -c fourhands -n "__fish_fourhands_using_subcommand setup" -l project -d 'For this folder only, in the client\'s project file'
complete -c fourhands -n "__fish_fourhands_using_subcommand setup" -l serve -d 'Have the client start a session if none is running'
complete -c fourhands -n "__fish_fourhands_using_subcommand setup" -l allow-reading -d 'Let the client call the tools that only read without asking'
complete -c fourhands -n "__fish_fourhands_using_subcommand setup" -l remove -d 'Remove fourhands from the client'
complete -c fourhands -n "__fish_fourhands_using_subcommand setup" -s y -l yes -d 'Write without asking'
complete -c fourhands -n "__fish_fourhands_using_subcommand setup" -l print -d 'Print the entry and its place, and write nothing'
complete -c fourhands -n "__fish_fourhands_using_subcommand setup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c fourhands -n "__fish_fourhands_using_subcommand serve" -l session -d 'Session name [default: from the folder\'s name]' -r
complete -c fourhands -n "__fish_fourhands_using_subcommand serve" -l python -d 'Python interpreter, virtual environment or command' -r -F
complete -c fourhands -n "__fish_fourhands_using_subcommand serve" -l with -d 'Add packages, such as numpy,pandas' -r
complete -c fourhands -n "__fish_fourhands_using_subcommand serve" -l script -d 'Use the packages that a script names' -r -F
complete -c fourhands -n "__fish_fourhands_using_subcommand serve" -l resume -d 'Resume a past session by name or id [default: last]' -r
complete -c fourhands -n "__fish_fourhands_using_subcommand serve" -l replay -d 'Rerun its snippets' -r -f -a "ok\t'Snippets that succeeded (the default)'
all\t'Also snippets that failed or were interrupted'
mine\t'Your own snippets that succeeded'"
complete -c fourhands -n "__fish_fourhands_using_subcommand serve" -l gate -d 'When client code runs: watch, ask-at-risk, ask, hold' -r -f -a "watch\t'Code runs at once'
ask-at-risk\t'Code waits before a risk'
ask\t'Code waits until you allow it'
hold\t'Code waits, and you are not asked'"
complete -c fourhands -n "__fish_fourhands_using_subcommand serve" -l unattended -d 'What happens to code that the gate would ask about [default: wait]' -r -f -a "wait\t'It waits until its call is cancelled'
allow\t'It runs'
deny\t'It is rejected'"
complete -c fourhands -n "__fish_fourhands_using_subcommand serve" -l keep-processes -d 'Keep processes that snippets started'
complete -c fourhands -n "__fish_fourhands_using_subcommand serve" -l stdio -d 'Be an MCP server on stdin and stdout, for one client'
complete -c fourhands -n "__fish_fourhands_using_subcommand serve" -l until-unused -d 'End the session when no client uses it'
complete -c fourhands -n "__fish_fourhands_using_subcommand serve" -l structured -d 'Send results as structured content too, for a client that uses both'
complete -c fourhands -n "__fish_fourhands_using_subcommand serve" -l text-only -d 'Send results as text and images alone'
complete -c fourhands -n "__fish_fourhands_using_subcommand serve" -l no-images -d 'Send results as text without images, for a client that shows the model base64 in place of pictures'
complete -c fourhands -n "__fish_fourhands_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c fourhands -n "__fish_fourhands_using_subcommand bridge" -l session -d 'Session to connect to [default: found by folder]' -r
complete -c fourhands -n "__fish_fourhands_using_subcommand bridge" -l socket -d 'Socket to connect to, instead of looking for a session' -r -F
complete -c fourhands -n "__fish_fourhands_using_subcommand bridge" -l python -d 'Python of a session that --serve or --tmux starts' -r -F
complete -c fourhands -n "__fish_fourhands_using_subcommand bridge" -l with -d 'Packages of such a session, such as numpy,pandas' -r
complete -c fourhands -n "__fish_fourhands_using_subcommand bridge" -l script -d 'Script that names the packages of such a session' -r -F
complete -c fourhands -n "__fish_fourhands_using_subcommand bridge" -l keep-env -d 'With --serve: environment variables to pass on' -r
complete -c fourhands -n "__fish_fourhands_using_subcommand bridge" -l serve -d 'Start a session without a dashboard if none is running'
complete -c fourhands -n "__fish_fourhands_using_subcommand bridge" -l tmux -d 'Open the dashboard in a tmux pane if no session is running'
complete -c fourhands -n "__fish_fourhands_using_subcommand bridge" -l structured -d 'Send results as structured content too, for a client that uses both'
complete -c fourhands -n "__fish_fourhands_using_subcommand bridge" -l text-only -d 'Send results as text and images alone'
complete -c fourhands -n "__fish_fourhands_using_subcommand bridge" -l no-images -d 'Send results as text without images, for a client that shows the model base64 in place of pictures'
complete -c fourhands -n "__fish_fourhands_using_subcommand bridge" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c fourhands -n "__fish_fourhands_using_subcommand sessions" -l restore -d 'Restore a session that was set aside' -r
complete -c fourhands -n "__fish_fourhands_using_subcommand sessions" -l erase -d 'Erase a past session permanently, after a question' -r
complete -c fourhands -n "__fish_fourhands_using_subcommand sessions" -l json -d 'Print JSON'
complete -c fourhands -n "__fish_fourhands_using_subcommand sessions" -l all -d 'List all past sessions, not only the last five'
complete -c fourhands -n "__fish_fourhands_using_subcommand sessions" -l past -d 'List past sessions only, all of them'
complete -c fourhands -n "__fish_fourhands_using_subcommand sessions" -l running -d 'List running sessions only'
complete -c fourhands -n "__fish_fourhands_using_subcommand sessions" -l prune -d 'Preview what the limits remove, and ask to remove it'
complete -c fourhands -n "__fish_fourhands_using_subcommand sessions" -l yes -d 'Do not ask for confirmation'
complete -c fourhands -n "__fish_fourhands_using_subcommand sessions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c fourhands -n "__fish_fourhands_using_subcommand export" -l to -d 'py, ipynb, md, html or json [default: by extension]' -r
complete -c fourhands -n "__fish_fourhands_using_subcommand export" -s o -l output -d 'Output file, or `-` for stdout [default: -]' -r -F
complete -c fourhands -n "__fish_fourhands_using_subcommand export" -l failed -d 'Failed snippets: omit, comment or keep' -r
complete -c fourhands -n "__fish_fourhands_using_subcommand export" -l author -d 'Only snippets of this author; `you` is the person' -r
complete -c fourhands -n "__fish_fourhands_using_subcommand export" -l snippets -d 'Only these snippets, such as 3,5-9,12-' -r
complete -c fourhands -n "__fish_fourhands_using_subcommand export" -l figures -d 'Folder for the figures of a Markdown file' -r
complete -c fourhands -n "__fish_fourhands_using_subcommand export" -l force -d 'Replace an existing file'
complete -c fourhands -n "__fish_fourhands_using_subcommand export" -l only-ok -d 'Same as --failed omit'
complete -c fourhands -n "__fish_fourhands_using_subcommand export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c fourhands -n "__fish_fourhands_using_subcommand config" -l example -d 'Print a file with all settings and keys, with their defaults'
complete -c fourhands -n "__fish_fourhands_using_subcommand config" -s h -l help -d 'Print help'
complete -c fourhands -n "__fish_fourhands_using_subcommand doctor" -l python -d 'Check this Python in place of the one that would be chosen' -r -F
complete -c fourhands -n "__fish_fourhands_using_subcommand doctor" -l json -d 'Print JSON'
complete -c fourhands -n "__fish_fourhands_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c fourhands -n "__fish_fourhands_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c fourhands -n "__fish_fourhands_using_subcommand stop" -l all -d 'End all running sessions on this machine'
complete -c fourhands -n "__fish_fourhands_using_subcommand stop" -s h -l help -d 'Print help'
complete -c fourhands -n "__fish_fourhands_using_subcommand help" -s h -l help -d 'Print help'
