// Counts how often each thread of a program asks for memory, by the thread's name. Preloaded; on leaving the
// program writes lines `name count` to the file that ALLOCATIONS names. For glibc.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

enum { names_max = 64 };
static char names[names_max][16];
static atomic_ullong counts[names_max];
static int name_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static __thread int mine __attribute__((tls_model("initial-exec")));

// A thread of this project has its name before it asks for memory.
static void note(void) {
    if (mine == 0) {
        char name[16] = "";
        pthread_getname_np(pthread_self(), name, sizeof name);
        pthread_mutex_lock(&lock);
        int index = 0;
        while (index < name_count && strcmp(names[index], name) != 0) index++;
        if (index == name_count && name_count < names_max) memcpy(names[name_count++], name, sizeof name);
        pthread_mutex_unlock(&lock);
        mine = index + 1;
    }
    if (mine <= names_max) atomic_fetch_add_explicit(&counts[mine - 1], 1, memory_order_relaxed);
}

void *malloc(size_t size) { note(); return __libc_malloc(size); }
void *calloc(size_t count, size_t size) { note(); return __libc_calloc(count, size); }
void *realloc(void *old, size_t size) { note(); return __libc_realloc(old, size); }
void *memalign(size_t alignment, size_t size) { note(); return __libc_memalign(alignment, size); }
void *aligned_alloc(size_t alignment, size_t size) { note(); return __libc_memalign(alignment, size); }
int posix_memalign(void **memory, size_t alignment, size_t size) {
    note();
    *memory = __libc_memalign(alignment, size);
    return *memory == NULL ? ENOMEM : 0;
}

__attribute__((destructor)) static void report(void) {
    const char *path = getenv("ALLOCATIONS");
    FILE *file = path == NULL ? NULL : fopen(path, "we");
    if (file == NULL) return;
    for (int index = 0; index < name_count; index++)
        fprintf(file, "%s %llu\n", names[index], (unsigned long long)counts[index]);
    fclose(file);
}
