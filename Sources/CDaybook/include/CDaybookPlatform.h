// System calls for the Platform module.
//
// Each function answers a value >= 0, or minus errno. So a caller never reads errno after
// another call may have changed it, and no macro or variadic function reaches Swift.
// None of them repeats a call: what a short transfer or EINTR means is decided above.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Files. Every descriptor is opened with O_CLOEXEC.
enum { daybook_open_read = 0, daybook_open_write = 1, daybook_open_create = 2 };
int daybook_open(const char *path, int mode);
int daybook_close(int fd);
int64_t daybook_pread(int fd, void *bytes, size_t count, int64_t offset);
int64_t daybook_pwrite(int fd, const void *bytes, size_t count, int64_t offset);
int daybook_fdatasync(int fd);
int daybook_fsync(int fd);
int daybook_sync_directory(const char *path);
int daybook_rename_no_replace(const char *source, const char *target);
int daybook_unlink(const char *path);
int daybook_mkdir(const char *path);
int daybook_rmdir(const char *path);
int64_t daybook_size(int fd);
int daybook_lock(int fd);
int daybook_drop_cache(int fd, int64_t offset);
// Calls `visit` for each name but "." and "..".
int daybook_list(const char *path, void (*visit)(void *context, const char *name), void *context);

// Clocks and randomness. Nanoseconds.
int64_t daybook_wall_clock(void);
int64_t daybook_monotonic_clock(void);
int daybook_random(void *bytes, size_t count);

// Threads.
int daybook_thread_spawn(
    const char *name, void (*run)(void *context), void *context, uint64_t *thread);
int daybook_thread_yield_priority(void);
int daybook_thread_join(uint64_t thread);
typedef struct daybook_monitor daybook_monitor;
daybook_monitor *daybook_monitor_create(void);
void daybook_monitor_destroy(daybook_monitor *monitor);
void daybook_monitor_lock(daybook_monitor *monitor);
void daybook_monitor_unlock(daybook_monitor *monitor);
// Waiters stand in one of a few channels, so that a change wakes only those whom it concerns.
enum { daybook_monitor_channels = 4 };
void daybook_monitor_wake(daybook_monitor *monitor, int channel);
// Waits, until `deadline` on the monotonic clock if it is >= 0. Answers 0, or -ETIMEDOUT.
int daybook_monitor_wait(daybook_monitor *monitor, int channel, int64_t deadline);

// Unix sockets. Paths are at most daybook_socket_path_max bytes.
enum { daybook_socket_path_max = 107 };
int daybook_socket_listen(const char *path, int backlog);
int daybook_socket_connect(const char *path);
int daybook_socket_pair(int fds[2]);
int daybook_socket_accept(int fd);
int daybook_socket_set_blocking(int fd, int blocking);
int daybook_socket_peer(int fd, int32_t *pid, uint32_t *uid, uint32_t *gid);
int64_t daybook_socket_read(int fd, void *bytes, size_t count);
int64_t daybook_socket_write(int fd, const void *bytes, size_t count);
int daybook_socket_shutdown(int fd, int reading, int writing);
int daybook_is_socket(const char *path);

// Readiness. An event is {token, bits}.
enum {
    daybook_ready_read = 1,
    daybook_ready_write = 2,
    daybook_ready_hangup = 4,
    daybook_edge_triggered = 8
};
typedef struct {
    uint64_t token;
    uint32_t bits;
} daybook_event;
int daybook_epoll_create(void);
int daybook_epoll_set(int epoll, int fd, uint64_t token, uint32_t bits, int is_new);
int daybook_epoll_remove(int epoll, int fd);
int daybook_epoll_wait(int epoll, daybook_event *events, int capacity, int timeout_ms);
int daybook_eventfd_create(void);
int daybook_eventfd_signal(int fd);
int daybook_eventfd_clear(int fd);

// Signals and the process.
int daybook_ignore_broken_pipes(void);
int daybook_block_termination(void);
int daybook_termination_fd(void);
int daybook_termination_read(int fd);
int64_t daybook_stream_read(int fd, void *bytes, size_t count);
int64_t daybook_stream_write(int fd, const void *bytes, size_t count);
int daybook_is_terminal(int fd);
int daybook_terminal_columns(int fd);
// CPU nanoseconds of this process, user and system, and its resident bytes now and at most.
void daybook_usage(int64_t *user, int64_t *system, int64_t *resident, int64_t *resident_max);
// Children. `arguments` are `count` texts, each with its zero, one behind the other; the first is the program's
// path. Standard output and error of the child go to the file `output`, which is made anew.
int daybook_spawn(const char *arguments, size_t count, const char *output);
int daybook_kill(int process);
int daybook_wait(int process);

void daybook_exit(int code) __attribute__((noreturn));
const char *daybook_environment(const char *name);
const char *daybook_error_text(int code);
int daybook_process_id(void);
int daybook_cpu_count(void);
uint32_t daybook_user_id(void);
// Descriptors that this process may have open at once.
int64_t daybook_descriptor_limit(void);

#ifdef __cplusplus
}
#endif
