/* Makes chosen system calls fail, block for ever, or take long. Loaded into a program by LD_PRELOAD; the file that FAULTS
 * names says which call does so, in which of our processes and how, and may be changed while the program runs. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* The order of `Call` in faults.rs. */
enum { WRITE, READ, SYNC, OPEN, RENAME, LOCK, MAP, ACCEPT, SOCKET, DUP, THREAD, UNLINK, CONNECT, FORK, SEND };

/* The order of `Process` in faults.rs. */
enum { HOST, GUARDIAN, BRIDGE, OTHER };

/* The order of `How` in faults.rs. */
enum { FAIL, BLOCK, SLOW };

static struct {
    atomic_uint calls; /* a bit for each that may fail */
    int error;
    atomic_long skip; /* so many go well before */
    atomic_long times; /* so many fail then */
    atomic_long failed;
    char path[224]; /* a part of the file's name */
    atomic_uint processes; /* a bit for each kind of process that is meant; 0 means all */
    unsigned how;
    atomic_long seen; /* calls that were meant, whether they failed or not */
} *control;

static int process = OTHER;
/* A descriptor that does not block would have blocked for ever: from then on it is never ready. */
static atomic_int stuck = -1;

/* Which of our processes this is, by its arguments. */
static int kind_of_process(void) {
    char text[4096];
    int fd = syscall(SYS_openat, AT_FDCWD, "/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    long length = fd < 0 ? 0 : syscall(SYS_read, fd, text, sizeof text - 1);
    if (fd >= 0)
        syscall(SYS_close, fd);
    text[length > 0 ? length : 0] = 0;
    const char *name = strrchr(text, '/');
    const char *first = text + strlen(text) + 1;
    if (length <= 0 || first >= text + length)
        return OTHER;
    if (!strcmp(name ? name + 1 : text, "fourhands"))
        return strcmp(first, "bridge") ? GUARDIAN : BRIDGE;
    return strcmp(first, "-X") ? OTHER : HOST;
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULTS");
    int fd = path ? syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *map = (void *)syscall(SYS_mmap, NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    control = map == MAP_FAILED ? NULL : map;
    syscall(SYS_close, fd);
    process = kind_of_process();
}

/* What happens to a call that was chosen: whether it fails. `fd` is -1 where there is none. */
static int happens(int fd) {
    if (control->how == SLOW) {
        usleep(200000);
        return 0;
    }
    errno = control->error;
    if (control->how == FAIL)
        return 1;
    int flags = fd < 0 ? 0 : syscall(SYS_fcntl, fd, F_GETFL);
    if (flags < 0 || !(flags & O_NONBLOCK))
        for (;;)
            pause();
    stuck = fd;
    errno = EAGAIN;
    return 1;
}

static int is_meant(int call) {
    return control && control->calls >> call & 1 && (!control->processes || control->processes >> process & 1);
}

static int fails_on(int call, int fd, const char *path) {
    /* What wakes a thread of the same process is memory: it cannot fail. */
    if (!is_meant(call) || !strstr(path, control->path) || strstr(path, "[eventfd]"))
        return 0;
    if (fd >= 0 && stuck == fd && control->how == BLOCK) {
        errno = EAGAIN;
        return 1;
    }
    atomic_fetch_add(&control->seen, 1);
    if (atomic_fetch_sub(&control->skip, 1) > 0 || atomic_fetch_sub(&control->times, 1) <= 0)
        return 0;
    atomic_fetch_add(&control->failed, 1);
    return happens(fd);
}

static int fails_at(int call, const char *path) { return fails_on(call, -1, path); }

static int fails(int call, int fd) {
    char link[64], path[4096];
    int may_send = call == WRITE && is_meant(SEND);
    if (!is_meant(call) && !may_send)
        return 0;
    int before = errno;
    snprintf(link, sizeof link, "/proc/thread-self/fd/%d", fd);
    long length = fd < 0 ? 0 : syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    path[length > 0 ? length : 0] = 0;
    errno = before;
    return fails_on(may_send && !strncmp(path, "socket:", 7) ? SEND : call, fd, path);
}

#define ON_FD(type, name, call, number, parameters, ...) \
    type name parameters { return fails(call, fd) ? -1 : syscall(number, __VA_ARGS__); }
#define ON_PATH(type, name, call, number, parameters, ...) \
    type name parameters { return fails_at(call, path) ? -1 : syscall(number, __VA_ARGS__); }

ON_FD(ssize_t, write, WRITE, SYS_write, (int fd, const void *b, size_t n), fd, b, n)
ON_FD(ssize_t, writev, WRITE, SYS_writev, (int fd, const struct iovec *v, int n), fd, v, n)
ON_FD(ssize_t, pwrite, WRITE, SYS_pwrite64, (int fd, const void *b, size_t n, off_t at), fd, b, n, at)
ON_FD(ssize_t, pwrite64, WRITE, SYS_pwrite64, (int fd, const void *b, size_t n, off64_t at), fd, b, n, at)
ON_FD(int, ftruncate, WRITE, SYS_ftruncate, (int fd, off_t n), fd, n)
ON_FD(int, ftruncate64, WRITE, SYS_ftruncate, (int fd, off64_t n), fd, n)
ON_FD(ssize_t, send, WRITE, SYS_sendto, (int fd, const void *b, size_t n, int f), fd, b, n, f, NULL, 0)
ON_FD(ssize_t, sendto, WRITE, SYS_sendto, (int fd, const void *b, size_t n, int f, const struct sockaddr *a, socklen_t l), fd, b, n, f, a, l)
ON_FD(ssize_t, sendmsg, WRITE, SYS_sendmsg, (int fd, const struct msghdr *m, int f), fd, m, f)
ON_FD(int, connect, CONNECT, SYS_connect, (int fd, const struct sockaddr *a, socklen_t n), fd, a, n)
ON_FD(ssize_t, read, READ, SYS_read, (int fd, void *b, size_t n), fd, b, n)
ON_FD(ssize_t, pread, READ, SYS_pread64, (int fd, void *b, size_t n, off_t at), fd, b, n, at)
ON_FD(ssize_t, pread64, READ, SYS_pread64, (int fd, void *b, size_t n, off64_t at), fd, b, n, at)
ON_FD(ssize_t, recv, READ, SYS_recvfrom, (int fd, void *b, size_t n, int f), fd, b, n, f, NULL, NULL)
ON_FD(int, fsync, SYNC, SYS_fsync, (int fd), fd)
ON_FD(int, fdatasync, SYNC, SYS_fdatasync, (int fd), fd)
ON_FD(int, flock, LOCK, SYS_flock, (int fd, int how), fd, how)
ON_FD(int, accept4, ACCEPT, SYS_accept4, (int fd, struct sockaddr *a, socklen_t *n, int f), fd, a, n, f)
ON_FD(int, dup, DUP, SYS_dup, (int fd), fd)
ON_FD(int, dup3, DUP, SYS_dup3, (int fd, int to, int f), fd, to, f)
ON_PATH(int, rename, RENAME, SYS_renameat2, (const char *path, const char *to), AT_FDCWD, path, AT_FDCWD, to, 0)
ON_PATH(int, unlink, UNLINK, SYS_unlinkat, (const char *path), AT_FDCWD, path, 0)

/* New descriptors without a name. */
int socket(int a, int b, int c) { return fails(SOCKET, -1) ? -1 : syscall(SYS_socket, a, b, c); }
int socketpair(int a, int b, int c, int fds[2]) { return fails(SOCKET, -1) ? -1 : syscall(SYS_socketpair, a, b, c, fds); }
int pipe2(int fds[2], int f) { return fails(SOCKET, -1) ? -1 : syscall(SYS_pipe2, fds, f); }
int memfd_create(const char *n, unsigned f) { return fails(SOCKET, -1) ? -1 : syscall(SYS_memfd_create, n, f); }
int epoll_create1(int f) { return fails(SOCKET, -1) ? -1 : syscall(SYS_epoll_create1, f); }
int eventfd(unsigned n, int f) { return fails(SOCKET, -1) ? -1 : syscall(SYS_eventfd2, n, f); }

#define OPEN_WITH(name, ...) \
    int name(__VA_ARGS__ const char *path, int flags, ...) { \
        va_list rest; \
        va_start(rest, flags); \
        int mode = va_arg(rest, int); \
        va_end(rest); \
        return fails_at(OPEN, path) ? -1 : syscall(SYS_openat, at, path, flags, mode); \
    }
#define at AT_FDCWD
OPEN_WITH(open)
OPEN_WITH(open64)
#undef at
OPEN_WITH(openat, int at,)
OPEN_WITH(openat64, int at,)

int fcntl(int fd, int command, ...) {
    va_list rest;
    va_start(rest, command);
    void *value = va_arg(rest, void *);
    va_end(rest);
    int copies = command == F_DUPFD || command == F_DUPFD_CLOEXEC;
    return copies && fails(DUP, fd) ? -1 : syscall(SYS_fcntl, fd, command, value);
}

int fcntl64(int fd, int command, ...) {
    va_list rest;
    va_start(rest, command);
    void *value = va_arg(rest, void *);
    va_end(rest);
    return fcntl(fd, command, value);
}

void *mmap(void *where, size_t n, int protection, int flags, int fd, off_t offset) {
    if (fd >= 0 && fails(MAP, fd))
        return MAP_FAILED;
    return (void *)syscall(SYS_mmap, where, n, protection, flags, fd, offset);
}
void *mmap64(void *where, size_t n, int protection, int flags, int fd, off64_t offset) {
    return mmap(where, n, protection, flags, fd, offset);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument) {
    static int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (!next)
        next = dlsym(RTLD_NEXT, "pthread_create");
    return fails(THREAD, -1) ? errno : next(thread, attributes, start, argument);
}

/* Another file of the same number is another one. */
int close(int fd) {
    if (fd >= 0 && stuck == fd)
        stuck = -1;
    return syscall(SYS_close, fd);
}

pid_t fork(void) {
    static pid_t (*next)(void);
    if (!next)
        next = dlsym(RTLD_NEXT, "fork");
    return fails(FORK, -1) ? -1 : next();
}

#define SPAWN(name) \
    int name(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes, \
             char *const arguments[], char *const environment[]) { \
        static __typeof__(&name) next; \
        if (!next) \
            next = dlsym(RTLD_NEXT, #name); \
        return fails(FORK, -1) ? errno : next(pid, file, actions, attributes, arguments, environment); \
    }
SPAWN(posix_spawn)
SPAWN(posix_spawnp)
