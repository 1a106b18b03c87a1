// Unix sockets, readiness and signals for the Platform module.
#define _GNU_SOURCE
#include "CDaybookPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int answer(int result) { return result < 0 ? -errno : result; }
static int64_t answer64(int64_t result) { return result < 0 ? -errno : result; }

static int address(const char *path, struct sockaddr_un *target) {
    size_t length = strlen(path);
    if (length == 0 || length > daybook_socket_path_max) return -ENAMETOOLONG;
    memset(target, 0, sizeof *target);
    target->sun_family = AF_UNIX;
    memcpy(target->sun_path, path, length);
    return 0;
}

static int fail_closing(int fd) {
    int problem = errno;
    close(fd);
    return -problem;
}

int daybook_socket_listen(const char *path, int backlog) {
    struct sockaddr_un name;
    int problem = address(path, &name);
    if (problem < 0) return problem;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -errno;
    // The mode of the socket file is that of the inode before bind; a chmod after bind would
    // leave a moment in which another user may connect.
    if (fchmod(fd, 0600) < 0) return fail_closing(fd);
    if (bind(fd, (struct sockaddr *)&name, sizeof name) < 0) return fail_closing(fd);
    if (chmod(path, 0600) < 0) return fail_closing(fd);
    if (listen(fd, backlog) < 0) return fail_closing(fd);
    return fd;
}

int daybook_socket_connect(const char *path) {
    struct sockaddr_un name;
    int problem = address(path, &name);
    if (problem < 0) return problem;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    if (connect(fd, (struct sockaddr *)&name, sizeof name) < 0) return fail_closing(fd);
    return fd;
}

int daybook_socket_pair(int fds[2]) {
    return answer(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
}

int daybook_socket_accept(int fd) {
    return answer(accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

int daybook_socket_set_blocking(int fd, int blocking) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0) return -errno;
    flags = blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
    return answer(fcntl(fd, F_SETFL, flags));
}

int daybook_socket_peer(int fd, int32_t *pid, uint32_t *uid, uint32_t *gid) {
    struct ucred peer;
    socklen_t length = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0) return -errno;
    *pid = peer.pid;
    *uid = peer.uid;
    *gid = peer.gid;
    return 0;
}

int64_t daybook_socket_read(int fd, void *bytes, size_t count) {
    return answer64(recv(fd, bytes, count, 0));
}

int64_t daybook_socket_write(int fd, const void *bytes, size_t count) {
    return answer64(send(fd, bytes, count, MSG_NOSIGNAL));
}

int daybook_socket_shutdown(int fd, int reading, int writing) {
    int how = reading && writing ? SHUT_RDWR : (reading ? SHUT_RD : SHUT_WR);
    return answer(shutdown(fd, how));
}

int daybook_is_socket(const char *path) {
    struct stat status;
    if (lstat(path, &status) < 0) return -errno;
    return S_ISSOCK(status.st_mode);
}

int daybook_epoll_create(void) { return answer(epoll_create1(EPOLL_CLOEXEC)); }

int daybook_epoll_set(int epoll, int fd, uint64_t token, uint32_t bits, int is_new) {
    struct epoll_event event = {.data.u64 = token};
    if (bits & daybook_ready_read) event.events |= EPOLLIN | EPOLLRDHUP;
    if (bits & daybook_ready_write) event.events |= EPOLLOUT;
    if (bits & daybook_edge_triggered) event.events |= EPOLLET;
    return answer(epoll_ctl(epoll, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event));
}

int daybook_epoll_remove(int epoll, int fd) {
    struct epoll_event unused = {0};
    return answer(epoll_ctl(epoll, EPOLL_CTL_DEL, fd, &unused));
}

int daybook_epoll_wait(int epoll, daybook_event *events, int capacity, int timeout_ms) {
    struct epoll_event ready[256];
    if (capacity > 256) capacity = 256;
    int count = epoll_wait(epoll, ready, capacity, timeout_ms);
    if (count < 0) return -errno;
    for (int index = 0; index < count; index++) {
        uint32_t bits = 0;
        if (ready[index].events & (EPOLLIN | EPOLLRDHUP)) bits |= daybook_ready_read;
        if (ready[index].events & EPOLLOUT) bits |= daybook_ready_write;
        if (ready[index].events & (EPOLLHUP | EPOLLERR)) bits |= daybook_ready_hangup;
        events[index].token = ready[index].data.u64;
        events[index].bits = bits;
    }
    return count;
}

int daybook_eventfd_create(void) { return answer(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

int daybook_eventfd_signal(int fd) {
    uint64_t one = 1;
    // EAGAIN: the counter is full, so its reader is being woken already.
    if (write(fd, &one, sizeof one) < 0 && errno != EAGAIN) return -errno;
    return 0;
}

int daybook_eventfd_clear(int fd) {
    uint64_t count;
    if (read(fd, &count, sizeof count) < 0 && errno != EAGAIN) return -errno;
    return 0;
}

int daybook_ignore_broken_pipes(void) {
    struct sigaction action = {.sa_handler = SIG_IGN};
    if (sigaction(SIGPIPE, &action, NULL) < 0) return -errno;
    return answer(sigaction(SIGXFSZ, &action, NULL));
}

static void termination(sigset_t *signals) {
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
}

int daybook_block_termination(void) {
    sigset_t signals;
    termination(&signals);
    return -pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

int daybook_termination_fd(void) {
    sigset_t signals;
    termination(&signals);
    return answer(signalfd(-1, &signals, SFD_CLOEXEC));
}

int daybook_termination_read(int fd) {
    struct signalfd_siginfo information;
    ssize_t count = read(fd, &information, sizeof information);
    if (count < 0) return -errno;
    return (int)information.ssi_signo;
}

int daybook_terminal_columns(int fd) {
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) < 0) return -errno;
    return size.ws_col;
}
