// Files, clocks and threads for the Platform module; sockets and signals are in sockets.c.
#define _GNU_SOURCE
#include "CDaybookPlatform.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int answer(int result) { return result < 0 ? -errno : result; }
static int64_t answer64(int64_t result) { return result < 0 ? -errno : result; }

int daybook_open(const char *path, int mode) {
    int flags = O_CLOEXEC;
    if (mode == daybook_open_read) flags |= O_RDONLY;
    if (mode == daybook_open_write) flags |= O_RDWR;
    if (mode == daybook_open_create) flags |= O_RDWR | O_CREAT | O_EXCL;
    int fd = open(path, flags, 0600);
    if (fd < 0) return -errno;
    if (fd > STDERR_FILENO) return fd;
    // A process that was started without its standard streams would let a stray message to
    // descriptor 2 land in the log. So data files never get 0, 1 or 2.
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int problem = errno;
    close(fd);
    return moved < 0 ? -problem : moved;
}

int daybook_close(int fd) { return answer(close(fd)); }

int64_t daybook_pread(int fd, void *bytes, size_t count, int64_t offset) {
    return answer64(pread(fd, bytes, count, offset));
}

int64_t daybook_pwrite(int fd, const void *bytes, size_t count, int64_t offset) {
    return answer64(pwrite(fd, bytes, count, offset));
}

int daybook_fdatasync(int fd) { return answer(fdatasync(fd)); }
int daybook_fsync(int fd) { return answer(fsync(fd)); }

int daybook_sync_directory(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return -errno;
    int result = answer(fsync(fd));
    int closed = answer(close(fd));
    return result < 0 ? result : closed;
}

int daybook_rename_no_replace(const char *source, const char *target) {
    return answer(renameat2(AT_FDCWD, source, AT_FDCWD, target, RENAME_NOREPLACE));
}

int daybook_unlink(const char *path) { return answer(unlink(path)); }
int daybook_mkdir(const char *path) { return answer(mkdir(path, 0700)); }
int daybook_rmdir(const char *path) { return answer(rmdir(path)); }

int64_t daybook_size(int fd) {
    struct stat status;
    return fstat(fd, &status) < 0 ? -errno : (int64_t)status.st_size;
}

// Between fork and exec a child holds a copy of each descriptor, and with it the lock that its parent has
// given back: a fifth of a second is long for that, and short for a person who starts a second server.
int daybook_lock(int fd) {
    struct timespec pause = {0, 10 * 1000 * 1000};
    for (int attempt = 0; attempt < 20; attempt++) {
        int got = answer(flock(fd, LOCK_EX | LOCK_NB));
        if (got != -EWOULDBLOCK) return got;
        nanosleep(&pause, NULL);
    }
    return -EWOULDBLOCK;
}
int daybook_drop_cache(int fd, int64_t offset) {
    return -posix_fadvise(fd, offset, 0, POSIX_FADV_DONTNEED);
}

int daybook_list(const char *path, void (*visit)(void *, const char *), void *context) {
    DIR *directory = opendir(path);
    if (directory == NULL) return -errno;
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(directory);
        if (entry == NULL) break;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        visit(context, entry->d_name);
    }
    int problem = errno;
    closedir(directory);
    return -problem;
}

static int64_t nanoseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t daybook_wall_clock(void) { return nanoseconds(CLOCK_REALTIME); }
int64_t daybook_monotonic_clock(void) { return nanoseconds(CLOCK_MONOTONIC); }

int daybook_random(void *bytes, size_t count) {
    unsigned char *next = bytes;
    while (count > 0) {
        ssize_t got = getrandom(next, count, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -errno;
        next += got;
        count -= (size_t)got;
    }
    return 0;
}

struct start {
    void (*run)(void *);
    void *context;
    char name[16];
};

static void *begin(void *argument) {
    struct start start = *(struct start *)argument;
    free(argument);
    pthread_setname_np(pthread_self(), start.name);
    start.run(start.context);
    return NULL;
}

int daybook_thread_spawn(const char *name, void (*run)(void *), void *context, uint64_t *thread) {
    struct start *start = malloc(sizeof *start);
    if (start == NULL) return -ENOMEM;
    start->run = run;
    start->context = context;
    snprintf(start->name, sizeof start->name, "%s", name);
    pthread_t made;
    int problem = pthread_create(&made, NULL, begin, start);
    if (problem != 0) {
        free(start);
        return -problem;
    }
    *thread = (uint64_t)made;
    return 0;
}

// On Linux a nice value is a thread's own, whatever POSIX says of processes.
int daybook_thread_yield_priority(void) { return setpriority(PRIO_PROCESS, 0, 10) == 0 ? 0 : -errno; }

int daybook_thread_join(uint64_t thread) { return -pthread_join((pthread_t)thread, NULL); }

struct daybook_monitor {
    pthread_mutex_t mutex;
    pthread_cond_t conditions[daybook_monitor_channels];
};

daybook_monitor *daybook_monitor_create(void) {
    daybook_monitor *monitor = malloc(sizeof *monitor);
    if (monitor == NULL) abort();
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    // The wall clock may be set back while somebody waits.
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&monitor->mutex, NULL);
    for (int channel = 0; channel < daybook_monitor_channels; channel++)
        pthread_cond_init(&monitor->conditions[channel], &attributes);
    pthread_condattr_destroy(&attributes);
    return monitor;
}

void daybook_monitor_destroy(daybook_monitor *monitor) {
    for (int channel = 0; channel < daybook_monitor_channels; channel++)
        pthread_cond_destroy(&monitor->conditions[channel]);
    pthread_mutex_destroy(&monitor->mutex);
    free(monitor);
}

void daybook_monitor_lock(daybook_monitor *monitor) { pthread_mutex_lock(&monitor->mutex); }
void daybook_monitor_unlock(daybook_monitor *monitor) { pthread_mutex_unlock(&monitor->mutex); }

void daybook_monitor_wake(daybook_monitor *monitor, int channel) {
    pthread_cond_broadcast(&monitor->conditions[channel]);
}

int daybook_monitor_wait(daybook_monitor *monitor, int channel, int64_t deadline) {
    pthread_cond_t *condition = &monitor->conditions[channel];
    if (deadline < 0) return -pthread_cond_wait(condition, &monitor->mutex);
    struct timespec time = {deadline / 1000000000, deadline % 1000000000};
    return -pthread_cond_timedwait(condition, &monitor->mutex, &time);
}

int64_t daybook_stream_read(int fd, void *bytes, size_t count) {
    return answer64(read(fd, bytes, count));
}

int64_t daybook_stream_write(int fd, const void *bytes, size_t count) {
    return answer64(write(fd, bytes, count));
}

int daybook_is_terminal(int fd) { return isatty(fd) == 1; }

void daybook_usage(int64_t *user, int64_t *system, int64_t *resident, int64_t *resident_max) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    *user = (int64_t)usage.ru_utime.tv_sec * 1000000000 + usage.ru_utime.tv_usec * 1000;
    *system = (int64_t)usage.ru_stime.tv_sec * 1000000000 + usage.ru_stime.tv_usec * 1000;
    *resident_max = (int64_t)usage.ru_maxrss * 1024;
    *resident = *resident_max;
    FILE *pages = fopen("/proc/self/statm", "re");
    if (pages == NULL) return;
    long long all = 0, now = 0;
    if (fscanf(pages, "%lld %lld", &all, &now) == 2) *resident = now * sysconf(_SC_PAGESIZE);
    fclose(pages);
}

void daybook_exit(int code) { _exit(code); }
const char *daybook_environment(const char *name) { return getenv(name); }
int daybook_process_id(void) { return getpid(); }
int daybook_cpu_count(void) { return (int)sysconf(_SC_NPROCESSORS_ONLN); }
uint32_t daybook_user_id(void) { return geteuid(); }

int64_t daybook_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    return limit.rlim_cur > INT32_MAX ? INT32_MAX : (int64_t)limit.rlim_cur;
}

const char *daybook_error_text(int code) {
    const char *text = strerrordesc_np(code);
    return text == NULL ? "unknown error" : text;
}
