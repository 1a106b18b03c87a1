// Child processes for the Platform module.
#define _GNU_SOURCE
#include "CDaybookPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int daybook_spawn(const char *arguments, size_t count, const char *output) {
    char **list = calloc(count + 1, sizeof *list);
    if (list == NULL) return -ENOMEM;
    for (size_t index = 0; index < count; index++) {
        list[index] = (char *)arguments;
        arguments += strlen(arguments) + 1;
    }
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(
        &files, STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
    pid_t process = 0;
    int problem = posix_spawn(&process, list[0], &files, NULL, list, environ);
    posix_spawn_file_actions_destroy(&files);
    free(list);
    return problem != 0 ? -problem : process;
}

int daybook_kill(int process) { return kill(process, SIGKILL) < 0 ? -errno : 0; }

int daybook_wait(int process) { return waitpid(process, NULL, 0) < 0 ? -errno : 0; }
