/* Every function, once as meant and once with nothing. */
#include <pthread.h>

#include "check.h"

static void versions(void) {
  CHECK(selftune_abi_version() ==
        (SELFTUNE_VERSION_MAJOR << 16 | SELFTUNE_VERSION_MINOR << 8 | SELFTUNE_VERSION_PATCH));
  char text[32];
  snprintf(text, sizeof text, "%d.%d.%d", SELFTUNE_VERSION_MAJOR, SELFTUNE_VERSION_MINOR,
           SELFTUNE_VERSION_PATCH);
  CHECK(strcmp(selftune_version(), text) == 0);
  CHECK(selftune_has("jobs") == 1);
  CHECK(selftune_has("no such feature") == 0);
  CHECK(selftune_has(NULL) == 0);
}

static void nothing_is_fine(void) {
  selftune_error_t* error = NULL;
  selftune_buf_t reply = SELFTUNE_BUF_INIT;
  selftune_job_t* job = NULL;
  selftune_sub_t* sub = NULL;
  selftune_close(NULL);
  selftune_job_cancel(NULL);
  selftune_job_release(NULL);
  selftune_unsubscribe(NULL);
  selftune_buf_free(NULL);
  selftune_buf_free(&reply);
  selftune_error_free(NULL);
  selftune_set_llm_handler(NULL, NULL, NULL);
  CHECK(selftune_error_code(NULL) == SELFTUNE_OK);
  CHECK(strcmp(selftune_error_name(NULL), "") == 0);
  CHECK(strcmp(selftune_error_message(NULL), "") == 0);
  CHECK(strcmp(selftune_error_json(NULL), "{}") == 0);
  CHECK(selftune_open(NULL, NULL, &error) == SELFTUNE_E_INVALID_ARGUMENT);
  CHECK(strcmp(selftune_error_name(error), "INVALID_REQUEST") == 0);
  selftune_error_free(error);
  CHECK(selftune_request(NULL, selftune_str("{}"), &reply, NULL) == SELFTUNE_E_INVALID_ARGUMENT);
  CHECK(selftune_start(NULL, selftune_str("{}"), NULL, &job, NULL) == SELFTUNE_E_INVALID_ARGUMENT);
  CHECK(selftune_job_wait(NULL, 0, &reply, NULL) == SELFTUNE_E_INVALID_ARGUMENT);
  CHECK(selftune_subscribe(NULL, 1, NULL, NULL, &sub, NULL) == SELFTUNE_E_INVALID_ARGUMENT);
}

static void memory(void) {
  selftune_buf_t buffer = {selftune_alloc(10), 10};
  CHECK(buffer.data != NULL);
  memset(buffer.data, 'x', 10);
  selftune_buf_free(&buffer);
  CHECK(buffer.data == NULL);
  buffer.data = selftune_alloc(0);
  CHECK(buffer.data != NULL);
  selftune_buf_free(&buffer);
}

static int64_t fixed_clock(void* user) { return *(const int64_t*)user; }

static int logged;
static void count_log(void* user, int32_t level, selftune_str_t line) {
  (void)user;
  CHECK(level >= SELFTUNE_LOG_ERROR && level <= SELFTUNE_LOG_DEBUG && line.data[0] == '{');
  ++logged;
}

static void options_are_heard(void) {
  const char* home = fake_home();
  int64_t now = 1767323045678;
  char state[600];
  selftune_options_t options = SELFTUNE_OPTIONS_INIT;
  selftune_engine_t* engine = NULL;
  snprintf(state, sizeof state, "%s/elsewhere", home);
  options.home = selftune_str(home);
  options.config_dir = selftune_str(state);
  options.now_ms = fixed_clock;
  options.user = &now;
  options.log = count_log;
  CHECK(selftune_open(&options, &engine, NULL) == SELFTUNE_OK);
  check_reply(engine, "{\"op\":\"about.version\"}",
              "\"generated_at\":\"2026-01-02T03:04:05.678Z\"");
  check_reply(engine,
              "{\"op\":\"about.version\",\"client\":{\"name\":\"test\",\"version\":\"1\","
              "\"command\":\"x y\"}}",
              "\"command\":\"x y\"");
  CHECK(access(state, F_OK) != 0); /* reading makes nothing */
  selftune_close(engine);
}

/* A caller built against a header with fewer members. */
static void short_struct(void) {
  selftune_options_t options;
  selftune_engine_t* engine = NULL;
  selftune_error_t* error = NULL;
  memset(&options, 0xff, sizeof options);
  options.struct_size = offsetof(selftune_options_t, home);
  options.flags = 0;
  CHECK(selftune_open(&options, &engine, NULL) == SELFTUNE_OK);
  selftune_close(engine);
  options.struct_size = 4;
  CHECK(selftune_open(&options, &engine, &error) == SELFTUNE_E_INVALID_ARGUMENT);
  selftune_error_free(error);
  options.struct_size = offsetof(selftune_options_t, home);
  options.flags = 0x80000000u;
  CHECK(selftune_open(&options, &engine, NULL) == SELFTUNE_E_INVALID_ARGUMENT);
}

static void bad_environment(void) {
  static const char* const env[] = {"no equals sign", NULL};
  selftune_options_t options = SELFTUNE_OPTIONS_INIT;
  selftune_engine_t* engine = NULL;
  options.env = env;
  CHECK(selftune_open(&options, &engine, NULL) == SELFTUNE_E_INVALID_ARGUMENT);
  options.env = NULL;
  options.config_dir = selftune_str("relative");
  CHECK(selftune_open(&options, &engine, NULL) == SELFTUNE_E_INVALID_ARGUMENT);
}

static selftune_code_t answer(void* user, selftune_str_t request, selftune_buf_t* reply) {
  (void)user;
  (void)request;
  (void)reply;
  return SELFTUNE_E_UNAVAILABLE;
}

static void handlers_and_jobs(void) {
  selftune_engine_t* engine = open_at(fake_home(), 0);
  selftune_job_t* job = NULL;
  selftune_buf_t reply = SELFTUNE_BUF_INIT;
  selftune_error_t* error = NULL;
  selftune_set_llm_handler(engine, answer, NULL);
  selftune_set_llm_handler(engine, NULL, NULL);
  CHECK(selftune_start(engine, selftune_str("{\"op\":\"schema.list\"}"), NULL, &job, &error) ==
        SELFTUNE_OK);
  for (int i = 0; i < 2; ++i) { /* as often as asked */
    CHECK(selftune_job_wait(job, -1, &reply, &error) == SELFTUNE_OK);
    CHECK(strstr(reply.data, "selftune/envelope@1") != NULL);
    selftune_buf_free(&reply);
  }
  selftune_job_release(job);
  CHECK(selftune_start(engine, selftune_str("{\"op\":\"no.such\"}"), NULL, &job, &error) ==
        SELFTUNE_E_UNIMPLEMENTED);
  CHECK(strcmp(selftune_error_name(error), "UNKNOWN_OPERATION") == 0);
  selftune_error_free(error);
  CHECK(selftune_start(engine, selftune_str("{\"op\":\"skill.parse\"}"), NULL, &job, NULL) ==
        SELFTUNE_OK);
  CHECK(selftune_job_wait(job, -1, &reply, &error) == SELFTUNE_E_INVALID_ARGUMENT);
  selftune_error_free(error);
  selftune_job_release(job);
  /* Released while it may still run; close waits for it. */
  CHECK(selftune_start(engine, selftune_str("{\"op\":\"schema.list\"}"), NULL, &job, NULL) ==
        SELFTUNE_OK);
  selftune_job_release(job);
  selftune_close(engine);
}

int main(void) {
  versions();
  nothing_is_fine();
  memory();
  options_are_heard();
  short_struct();
  bad_environment();
  handlers_and_jobs();
  return 0;
}
