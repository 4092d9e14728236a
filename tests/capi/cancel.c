/* Long operations stop when told to, and say which way they ended. */
#include "check.h"

/* Counts for ever. */
#define ENDLESS                                                                               \
  "{\"op\":\"store.query\",\"params\":{\"sql\":\"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL " \
  "SELECT x+1 FROM c) SELECT count(*) FROM c\"}"

static void cancelled(selftune_engine_t* engine) {
  selftune_job_t* job = NULL;
  selftune_buf_t reply = SELFTUNE_BUF_INIT;
  selftune_error_t* error = NULL;
  CHECK(selftune_start(engine, selftune_str(ENDLESS "}"), NULL, &job, NULL) == SELFTUNE_OK);
  CHECK(selftune_job_wait(job, 50, &reply, &error) == SELFTUNE_E_DEADLINE);
  CHECK(strcmp(selftune_error_name(error), "JOB_RUNNING") == 0);
  selftune_error_free(error);
  selftune_job_cancel(job);
  CHECK(selftune_job_wait(job, 10000, &reply, &error) == SELFTUNE_E_CANCELLED);
  CHECK(strcmp(selftune_error_name(error), "CANCELLED") == 0);
  selftune_error_free(error);
  selftune_job_release(job);
}

static void too_late(selftune_engine_t* engine) {
  CHECK_FAILS(engine, ENDLESS ",\"deadline_ms\":50}", "DEADLINE");
  /* In time: the deadline changes nothing. */
  check_reply(engine, "{\"op\":\"store.info\",\"deadline_ms\":60000}", "\"ok\":true");
}

/* More jobs than threads: those that wait can be cancelled, too. */
static void queued(selftune_engine_t* engine) {
  selftune_job_t* jobs[6];
  selftune_buf_t reply = SELFTUNE_BUF_INIT;
  for (int i = 0; i < 6; ++i) {
    CHECK(selftune_start(engine, selftune_str(ENDLESS "}"), NULL, &jobs[i], NULL) == SELFTUNE_OK);
  }
  for (int i = 5; i >= 0; --i) selftune_job_cancel(jobs[i]);
  for (int i = 0; i < 6; ++i) {
    CHECK(selftune_job_wait(jobs[i], 10000, &reply, NULL) == SELFTUNE_E_CANCELLED);
    selftune_job_release(jobs[i]);
  }
}

int main(void) {
  selftune_engine_t* engine = open_at(fake_home(), 0);
  make_store(engine);
  cancelled(engine);
  too_late(engine);
  queued(engine);
  selftune_close(engine);
  return 0;
}
