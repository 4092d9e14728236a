/* Runs a program and says what it used. A small process has to start it: the
 * kernel counts the memory of whoever starts a program towards its peak.
 *
 *   launch PROGRAM ARG...   writes to descriptor 3, one line:
 *     status cpu_us wall_ns peak_kib bytes_read (-1 = unknown) */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char** environ;

static int64_t Now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The counters of an ended process are there until it is reaped. */
static int64_t BytesRead(pid_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/io", (int)pid);
  FILE* file = fopen(path, "r");
  if (file == NULL) return -1;
  int64_t bytes = -1;
  if (fscanf(file, "rchar: %" SCNd64, &bytes) != 1) bytes = -1;
  fclose(file);
  return bytes;
}

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addclose(&actions, 3);
  pid_t pid;
  const int64_t started = Now();
  const int failed = posix_spawn(&pid, argv[1], &actions, NULL, argv + 1, environ);
  if (failed != 0) {
    fprintf(stderr, "launch: %s: %s\n", argv[1], strerror(failed));
    return 127;
  }
  siginfo_t info;
  while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  const int64_t wall = Now() - started;
  const int64_t read_bytes = BytesRead(pid);
  int status = 0;
  struct rusage usage;
  if (wait4(pid, &status, 0, &usage) < 0) return 126;
  const int64_t cpu = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * (int64_t)1000000 +
                      usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  dprintf(3, "%d %" PRId64 " %" PRId64 " %ld %" PRId64 "\n", code, cpu, wall, usage.ru_maxrss,
          read_bytes);
  return 0;
}
