/* exit() while threads of the program and of engines are at work in the library:
 * the process ends well, and soon. */
#include <pthread.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

#define STATUS "{\"op\":\"store.info\",\"params\":{}}"
#define ENDLESS                                                                               \
  "{\"op\":\"store.query\",\"params\":{\"sql\":\"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL " \
  "SELECT x+1 FROM c) SELECT count(*) FROM c\"}}"

enum { kRounds = 15, kThreads = 4 };

static void* requests(void* engine) {
  for (;;) {
    selftune_buf_t reply = SELFTUNE_BUF_INIT;
    (void)selftune_request(engine, selftune_str(STATUS), &reply, NULL);
    selftune_buf_free(&reply);
  }
  return NULL;
}

static void* jobs(void* engine) {
  for (;;) {
    selftune_job_t* job = NULL;
    if (selftune_start(engine, selftune_str(STATUS), NULL, &job, NULL) != SELFTUNE_OK) continue;
    selftune_job_release(job);
  }
  return NULL;
}

static void* endless(void* engine) {
  selftune_buf_t reply = SELFTUNE_BUF_INIT;
  (void)selftune_request(engine, selftune_str(ENDLESS), &reply, NULL);
  for (;;) pause();
  return NULL;
}

static void in_a_child(const char* home, void* (*work)(void*)) {
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    alarm(30); /* its end must not wait for ever */
    selftune_engine_t* engine = open_at(home, 0);
    pthread_t thread;
    make_store(engine);
    for (int i = 0; i < kThreads; ++i) CHECK(pthread_create(&thread, NULL, work, engine) == 0);
    usleep(20000);
    exit(0);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void) {
  void* (*const works[])(void*) = {requests, jobs, endless};
  const char* home = fake_home();
  for (int round = 0; round < kRounds; ++round) {
    for (size_t i = 0; i < sizeof works / sizeof works[0]; ++i) in_a_child(home, works[i]);
  }
  return 0;
}
