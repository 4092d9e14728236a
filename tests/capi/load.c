/* Several engines on one store and on stores of their own, each used by many
 * threads: readers, writers, jobs that are cancelled or given back at any
 * moment, listeners that come and go. Nothing is lost, nothing is heard too
 * late. What a thread does follows from its number, so a run can be repeated. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>

#include "check.h"

enum { kStores = 2, kEngines = 3, kRounds = 12 };

#define ENDLESS                                                                               \
  "{\"op\":\"store.query\",\"params\":{\"sql\":\"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL " \
  "SELECT x+1 FROM c) SELECT count(*) FROM c\"}}"

typedef struct {
  char home[600];
  atomic_int prompts; /* written to transcripts */
} store_t;

typedef struct {
  store_t* store;
  selftune_engine_t* engine;
  uint64_t random;
  int number;
} worker_t;

static uint32_t next_random(worker_t* worker, uint32_t below) {
  worker->random = worker->random * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(worker->random >> 33) % below;
}

static void pause_us(uint32_t us) {
  const struct timespec pause = {0, (long)us * 1000};
  nanosleep(&pause, NULL);
}

/* A prompt at the end of the transcript that belongs to this worker. */
static void type_prompt(worker_t* worker, int round) {
  char path[700];
  char line[900];
  snprintf(path, sizeof path, "%s/.claude/projects/-w/%08x-0000-4000-8000-000000000000.jsonl",
           worker->store->home, (unsigned)worker->number);
  const int size = snprintf(
      line, sizeof line,
      "{\"type\":\"user\",\"promptId\":\"p%d-%d\",\"promptSource\":\"typed\",\"origin\":{\"kind\":"
      "\"human\"},\"message\":{\"role\":\"user\",\"content\":\"worker %d asks number %d\"},"
      "\"timestamp\":\"2026-11-20T10:00:%02d.000Z\",\"sessionId\":"
      "\"%08x-0000-4000-8000-000000000000\",\"uuid\":\"u%d-%d\",\"parentUuid\":null,"
      "\"isSidechain\":false,\"cwd\":\"/w\",\"version\":\"2.1.330\",\"userType\":\"external\","
      "\"entrypoint\":\"cli\"}\n",
      worker->number, round, worker->number, round, round % 60, (unsigned)worker->number,
      worker->number, round);
  const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
  CHECK(fd >= 0);
  CHECK(write(fd, line, (size_t)size) == size);
  CHECK(close(fd) == 0);
  ++worker->store->prompts;
}

/* ------------------------------------------------------------- listeners */

/* Lives until its job or subscription was given back; a late call would touch
 * freed memory. */
typedef struct {
  selftune_engine_t* engine;
  selftune_job_t* _Atomic job;
  atomic_int inside;
  atomic_int calls;
  int cancel_at; /* cancel the job at this call; -1 never */
} listener_t;

static void enter(listener_t* listener) {
  CHECK(atomic_fetch_add(&listener->inside, 1) == 0); /* one at a time */
  check_reply(listener->engine, "{\"op\":\"about.version\"}", "\"ok\":true");
}

static void heard(void* user, selftune_str_t json) {
  listener_t* listener = user;
  CHECK(json.size > 0 && json.data[0] == '{');
  enter(listener);
  if (listener->calls++ == listener->cancel_at) selftune_job_cancel(listener->job);
  --listener->inside;
}

static void changed(void* user, int64_t clock, uint32_t topics) {
  listener_t* listener = user;
  CHECK(clock >= 0 && topics != 0);
  enter(listener);
  ++listener->calls;
  --listener->inside;
}

static listener_t* new_listener(selftune_engine_t* engine) {
  listener_t* listener = calloc(1, sizeof *listener);
  CHECK(listener != NULL);
  listener->engine = engine;
  listener->cancel_at = -1;
  return listener;
}

/* ---------------------------------------------------------------- workers */

static void* write_and_sync(void* user) {
  worker_t* worker = user;
  for (int i = 0; i < kRounds; ++i) {
    type_prompt(worker, i);
    check_reply(worker->engine, "{\"op\":\"sync.run\"}", "\"ok\":true");
  }
  return NULL;
}

/* Starts a sync that may be cancelled, by its own listener or from here, and
 * given back before its end. */
static void* sync_jobs(void* user) {
  worker_t* worker = user;
  for (int i = 0; i < kRounds; ++i) {
    listener_t* listener = new_listener(worker->engine);
    selftune_callbacks_t callbacks = SELFTUNE_CALLBACKS_INIT;
    selftune_job_t* job = NULL;
    selftune_buf_t reply = SELFTUNE_BUF_INIT;
    callbacks.event = heard;
    callbacks.user = listener;
    type_prompt(worker, i);
    CHECK(selftune_start(worker->engine, selftune_str("{\"op\":\"sync.run\"}"), &callbacks, &job,
                         NULL) == SELFTUNE_OK);
    listener->job = job; /* cancelling before it is known does nothing */
    if (next_random(worker, 3) == 0) {
      pause_us(next_random(worker, 4000));
      selftune_job_cancel(job);
    }
    if (next_random(worker, 2) == 0) {
      const selftune_code_t code = selftune_job_wait(job, -1, &reply, NULL);
      CHECK(code == SELFTUNE_OK || code == SELFTUNE_E_CANCELLED);
      CHECK((code == SELFTUNE_OK) == (reply.data != NULL));
      selftune_buf_free(&reply);
    }
    selftune_job_release(job);
    free(listener);
  }
  return NULL;
}

static void* endless_jobs(void* user) {
  worker_t* worker = user;
  for (int i = 0; i < kRounds; ++i) {
    selftune_job_t* job = NULL;
    selftune_buf_t reply = SELFTUNE_BUF_INIT;
    selftune_error_t* error = NULL;
    CHECK(selftune_start(worker->engine, selftune_str(ENDLESS), NULL, &job, NULL) == SELFTUNE_OK);
    pause_us(next_random(worker, 3000));
    CHECK(selftune_job_wait(job, 0, &reply, NULL) == SELFTUNE_E_DEADLINE);
    selftune_job_cancel(job);
    if (next_random(worker, 2) == 0) {
      CHECK(selftune_job_wait(job, 60000, &reply, &error) == SELFTUNE_E_CANCELLED);
      CHECK(strcmp(selftune_error_name(error), "CANCELLED") == 0);
      selftune_error_free(error);
    }
    selftune_job_release(job);
  }
  return NULL;
}

static void* read_all(void* user) {
  static const char* const requests[] = {
      "{\"op\":\"status.get\"}",
      "{\"op\":\"skill.list\"}",
      "{\"op\":\"session.list\",\"params\":{\"limit\":5}}",
      "{\"op\":\"store.query\",\"params\":{\"sql\":\"SELECT count(*) FROM prompts\"}}",
      "{\"op\":\"store.info\"}",
  };
  worker_t* worker = user;
  for (int i = 0; i < 2 * kRounds; ++i) {
    check_reply(worker->engine, requests[next_random(worker, 5)], "\"ok\":true");
    CHECK_FAILS(worker->engine, "{\"op\":\"skill.report\",\"params\":{\"skill\":\"none\"}}",
                "SKILL_NOT_FOUND");
  }
  return NULL;
}

static void* come_and_go(void* user) {
  worker_t* worker = user;
  for (int i = 0; i < kRounds; ++i) {
    listener_t* listener = new_listener(worker->engine);
    selftune_sub_t* sub = NULL;
    CHECK(selftune_subscribe(worker->engine, SELFTUNE_TOPIC_ALL, changed, listener, &sub, NULL) ==
          SELFTUNE_OK);
    pause_us(next_random(worker, 60000));
    selftune_unsubscribe(sub);
    CHECK(listener->inside == 0);
    free(listener);
  }
  return NULL;
}

/* Whatever was started before the engine is closed is done afterwards. */
static void* open_and_close(void* user) {
  worker_t* worker = user;
  for (int i = 0; i < kRounds / 2; ++i) {
    selftune_engine_t* engine = open_at(worker->store->home, 0);
    listener_t* listener = new_listener(engine);
    selftune_job_t* job = NULL;
    selftune_sub_t* sub = NULL;
    CHECK(selftune_subscribe(engine, SELFTUNE_TOPIC_EVIDENCE, changed, listener, &sub, NULL) ==
          SELFTUNE_OK);
    type_prompt(worker, i);
    CHECK(selftune_start(engine, selftune_str("{\"op\":\"sync.run\"}"), NULL, &job, NULL) ==
          SELFTUNE_OK);
    selftune_job_release(job);
    pause_us(next_random(worker, 2000));
    selftune_unsubscribe(sub);
    free(listener);
    selftune_close(engine);
    char request[300];
    char want[100];
    snprintf(request, sizeof request,
             "{\"op\":\"store.query\",\"params\":{\"sql\":\"SELECT count(*) AS n FROM prompts "
             "WHERE prompt_text LIKE 'worker %d asks%%'\"}}",
             worker->number);
    snprintf(want, sizeof want, "[[%d]]", i + 1);
    check_reply(worker->engine, request, want);
  }
  return NULL;
}

/* ------------------------------------------------------------------- main */

static void make_home(store_t* store) {
  char path[700];
  snprintf(store->home, sizeof store->home, "%s", fake_home());
  static const char* const folders[] = {"/.claude", "/.claude/projects", "/.claude/projects/-w"};
  for (int i = 0; i < 3; ++i) {
    snprintf(path, sizeof path, "%s%s", store->home, folders[i]);
    CHECK(mkdir(path, 0700) == 0);
  }
}

static void check_store(store_t* store) {
  selftune_engine_t* engine = open_at(store->home, 0);
  char want[100];
  check_reply(engine, "{\"op\":\"sync.run\"}", "\"bad_lines\":0");
  check_reply(engine, "{\"op\":\"store.check\"}", "\"problems\":[]");
  check_reply(engine, "{\"op\":\"source.bad_lines\"}", "\"items\":[]");
  snprintf(want, sizeof want, "[[%d,%d]]", store->prompts, store->prompts);
  check_reply(engine,
              "{\"op\":\"store.query\",\"params\":{\"sql\":\"SELECT count(*) AS n, count(DISTINCT "
              "prompt_text) AS d FROM prompts\"}}",
              want);
  selftune_close(engine);
}

int main(void) {
  static store_t stores[kStores];
  static void* (*const bodies[])(void*) = {write_and_sync, sync_jobs,   endless_jobs,
                                           read_all,       come_and_go, open_and_close};
  enum { kBodies = sizeof bodies / sizeof bodies[0] };
  static pthread_t threads[kEngines * kBodies];
  static worker_t workers[kEngines * kBodies];
  selftune_engine_t* engines[kEngines];
  for (int i = 0; i < kStores; ++i) make_home(&stores[i]);
  for (int i = 0; i < kEngines; ++i) {
    /* The first two share a store. */
    store_t* store = &stores[i / 2];
    engines[i] = open_at(store->home, 0);
    if (i != 1) make_store(engines[i]);
    for (int k = 0; k < kBodies; ++k) {
      const int n = i * kBodies + k;
      workers[n] = (worker_t){store, engines[i], 20261126u + (uint64_t)n * 7919u, n};
    }
  }
  for (int n = 0; n < kEngines * kBodies; ++n) {
    CHECK(pthread_create(&threads[n], NULL, bodies[n % kBodies], &workers[n]) == 0);
  }
  for (int n = 0; n < kEngines * kBodies; ++n) CHECK(pthread_join(threads[n], NULL) == 0);
  for (int i = 0; i < kEngines; ++i) selftune_close(engines[i]);
  for (int i = 0; i < kStores; ++i) check_store(&stores[i]);
  return 0;
}
