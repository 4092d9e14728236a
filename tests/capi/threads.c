/* One engine, many threads, several engines, jobs and callbacks at once. */
#include <pthread.h>

#include "check.h"

enum { kThreads = 8, kRounds = 50 };

static void* ask(void* user) {
  selftune_engine_t* engine = user;
  for (int i = 0; i < kRounds; ++i) {
    check_reply(engine, "{\"op\":\"about.version\"}", "\"ok\":true");
    CHECK_FAILS(engine, "{\"op\":\"no.such\"}", "UNKNOWN_OPERATION");
  }
  return NULL;
}

static void* start_jobs(void* user) {
  selftune_engine_t* engine = user;
  for (int i = 0; i < kRounds; ++i) {
    selftune_job_t* job = NULL;
    selftune_buf_t reply = SELFTUNE_BUF_INIT;
    CHECK(selftune_start(engine, selftune_str("{\"op\":\"schema.list\"}"), NULL, &job, NULL) ==
          SELFTUNE_OK);
    if (i % 2 == 0) {
      CHECK(selftune_job_wait(job, -1, &reply, NULL) == SELFTUNE_OK);
      selftune_buf_free(&reply);
    } else {
      selftune_job_cancel(job);
    }
    selftune_job_release(job);
  }
  return NULL;
}

static void* open_and_close(void* user) {
  for (int i = 0; i < kRounds; ++i) selftune_close(open_at(user, 0));
  return NULL;
}

static void* swap_handlers(void* user) {
  for (int i = 0; i < kRounds; ++i) selftune_set_llm_handler(user, NULL, NULL);
  return NULL;
}

int main(void) {
  static char home[600];
  snprintf(home, sizeof home, "%s", fake_home());
  selftune_engine_t* engine = open_at(home, 0);
  pthread_t threads[kThreads];
  for (int i = 0; i < kThreads; ++i) {
    void* (*const bodies[])(void*) = {ask, start_jobs, swap_handlers, open_and_close};
    void* user = i % 4 == 3 ? (void*)home : (void*)engine;
    CHECK(pthread_create(&threads[i], NULL, bodies[i % 4], user) == 0);
  }
  for (int i = 0; i < kThreads; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
  selftune_close(engine);
  return 0;
}
