/* Callers of other versions, and callers that pass nothing. */
#include "check.h"

/* -------------------------------------------------------- sizes of structs */

static selftune_code_t open_with(const void* options) {
  selftune_engine_t* engine = NULL;
  selftune_error_t* error = NULL;
  const selftune_code_t code = selftune_open(options, &engine, &error);
  CHECK((code == SELFTUNE_OK) == (engine != NULL));
  if (code != SELFTUNE_OK) CHECK(strcmp(selftune_error_name(error), "INVALID_REQUEST") == 0);
  selftune_error_free(error);
  selftune_close(engine);
  return code;
}

/* Only the members that an older header had are read. */
static void older_options(const char* home) {
  for (size_t size = 0; size <= sizeof(selftune_options_t); ++size) {
    selftune_options_t options = SELFTUNE_OPTIONS_INIT;
    options.home = selftune_str(home);
    memset((char*)&options + size, 0xa5, sizeof options - size);
    options.struct_size = (uint32_t)size;
    options.flags = 0;
    const int whole = size >= offsetof(selftune_options_t, home) && size % sizeof(void*) == 0;
    CHECK(open_with(&options) == (whole ? SELFTUNE_OK : SELFTUNE_E_INVALID_ARGUMENT));
  }
}

/* What a newer header has more must be unused. */
static void newer_options(const char* home) {
  struct {
    selftune_options_t options;
    char more[64];
  } newer = {SELFTUNE_OPTIONS_INIT, {0}};
  newer.options.struct_size = sizeof newer;
  newer.options.home = selftune_str(home);
  CHECK(open_with(&newer) == SELFTUNE_OK);
  newer.more[63] = 1;
  CHECK(open_with(&newer) == SELFTUNE_E_INVALID_ARGUMENT);
}

static void count_event(void* user, selftune_str_t json) {
  (void)json;
  ++*(int*)user;
}

/* Whether a job may be started with these callbacks. */
static selftune_code_t start_with(selftune_engine_t* engine, const void* callbacks) {
  selftune_job_t* job = NULL;
  selftune_buf_t reply = SELFTUNE_BUF_INIT;
  const selftune_code_t code =
      selftune_start(engine, selftune_str("{\"op\":\"sync.run\"}"), callbacks, &job, NULL);
  CHECK((code == SELFTUNE_OK) == (job != NULL));
  if (job != NULL) CHECK(selftune_job_wait(job, -1, &reply, NULL) == SELFTUNE_OK);
  selftune_buf_free(&reply);
  selftune_job_release(job);
  return code;
}

static void callbacks_of_other_versions(selftune_engine_t* engine) {
  int events = 0;
  for (size_t size = 0; size <= sizeof(selftune_callbacks_t); ++size) {
    selftune_callbacks_t callbacks;
    memset(&callbacks, 0, sizeof callbacks);
    callbacks.struct_size = (uint32_t)size;
    callbacks.event = count_event;
    callbacks.user = &events;
    /* With `event` and without `user` the callback would get NULL. */
    if (size == offsetof(selftune_callbacks_t, user)) continue;
    const int whole = size != 0 && size % sizeof(void*) == 0;
    CHECK(start_with(engine, &callbacks) == (whole ? SELFTUNE_OK : SELFTUNE_E_INVALID_ARGUMENT));
  }
  struct {
    selftune_callbacks_t callbacks;
    uint32_t more[2];
  } newer = {{sizeof newer, count_event, &events}, {0, 0}};
  CHECK(start_with(engine, &newer) == SELFTUNE_OK);
  newer.more[0] = 7;
  CHECK(start_with(engine, &newer) == SELFTUNE_E_INVALID_ARGUMENT);
  CHECK(start_with(engine, NULL) == SELFTUNE_OK);
}

/* ----------------------------------------------------------------- nothing */

static void on_change(void* user, int64_t clock, uint32_t topics) {
  (void)user;
  (void)clock;
  (void)topics;
}

#define REFUSED(call)                                                  \
  do {                                                                 \
    error = NULL;                                                      \
    CHECK((call) == SELFTUNE_E_INVALID_ARGUMENT);                      \
    CHECK(strcmp(selftune_error_name(error), "INVALID_REQUEST") == 0); \
    selftune_error_free(error);                                        \
  } while (0)

/* Each pointer that must be given, left out in turn. */
static void missing_pointers(selftune_engine_t* engine) {
  const selftune_str_t request = selftune_str("{\"op\":\"about.version\"}");
  const selftune_str_t nothing = {NULL, 0};
  const selftune_str_t impossible = {NULL, 40};
  selftune_error_t* error = NULL;
  selftune_buf_t reply = SELFTUNE_BUF_INIT;
  selftune_job_t* job = NULL;
  selftune_sub_t* sub = NULL;
  REFUSED(selftune_open(NULL, NULL, &error));
  REFUSED(selftune_request(NULL, request, &reply, &error));
  REFUSED(selftune_request(engine, nothing, &reply, &error));
  REFUSED(selftune_request(engine, impossible, &reply, &error));
  REFUSED(selftune_request(engine, request, NULL, &error));
  REFUSED(selftune_start(NULL, request, NULL, &job, &error));
  REFUSED(selftune_start(engine, nothing, NULL, &job, &error));
  REFUSED(selftune_start(engine, request, NULL, NULL, &error));
  REFUSED(selftune_job_wait(NULL, 0, &reply, &error));
  REFUSED(selftune_subscribe(NULL, 1, on_change, NULL, &sub, &error));
  REFUSED(selftune_subscribe(engine, 0, on_change, NULL, &sub, &error));
  REFUSED(selftune_subscribe(engine, 1, NULL, NULL, &sub, &error));
  REFUSED(selftune_subscribe(engine, 1, on_change, NULL, NULL, &error));
  CHECK(reply.data == NULL && job == NULL && sub == NULL);
  CHECK(selftune_start(engine, request, NULL, &job, NULL) == SELFTUNE_OK);
  REFUSED(selftune_job_wait(job, -1, NULL, &error));
  selftune_job_release(job);
}

/* The same without anybody who wants to know why. */
static void nobody_asks_why(selftune_engine_t* engine) {
  selftune_buf_t reply = SELFTUNE_BUF_INIT;
  selftune_job_t* job = NULL;
  selftune_sub_t* sub = NULL;
  CHECK(selftune_open(NULL, NULL, NULL) == SELFTUNE_E_INVALID_ARGUMENT);
  CHECK(selftune_request(engine, selftune_str("{"), &reply, NULL) == SELFTUNE_E_INVALID_ARGUMENT);
  CHECK(selftune_start(engine, selftune_str("{"), NULL, &job, NULL) == SELFTUNE_E_INVALID_ARGUMENT);
  CHECK(selftune_job_wait(NULL, 0, &reply, NULL) == SELFTUNE_E_INVALID_ARGUMENT);
  CHECK(selftune_subscribe(engine, 0, on_change, NULL, &sub, NULL) == SELFTUNE_E_INVALID_ARGUMENT);
}

/* Bytes are taken as they are counted, whatever follows or stands in them. */
static void counted_bytes(selftune_engine_t* engine) {
  static const char text[] = "{\"op\":\"about.version\"} and more";
  const selftune_str_t part = {text, 22};
  const selftune_str_t with_nul = {"{\"op\":\"about.version\"}\0", 23};
  selftune_buf_t reply = SELFTUNE_BUF_INIT;
  CHECK(selftune_request(engine, part, &reply, NULL) == SELFTUNE_OK);
  CHECK(reply.data[reply.size] == '\0');
  selftune_buf_free(&reply);
  CHECK(selftune_request(engine, with_nul, &reply, NULL) == SELFTUNE_E_INVALID_ARGUMENT);
}

/* An out parameter keeps its value when the call fails. */
static void untouched_on_failure(selftune_engine_t* engine) {
  char mine = 'x';
  selftune_buf_t reply = {&mine, 1};
  selftune_job_t* job = (selftune_job_t*)&mine;
  selftune_engine_t* opened = (selftune_engine_t*)&mine;
  selftune_options_t options = SELFTUNE_OPTIONS_INIT;
  options.home = selftune_str("not/absolute");
  CHECK(selftune_request(engine, selftune_str("{"), &reply, NULL) != SELFTUNE_OK);
  CHECK(selftune_start(engine, selftune_str("{"), NULL, &job, NULL) != SELFTUNE_OK);
  CHECK(selftune_open(&options, &opened, NULL) != SELFTUNE_OK);
  CHECK(reply.data == &mine && reply.size == 1);
  CHECK(job == (selftune_job_t*)&mine && opened == (selftune_engine_t*)&mine);
}

int main(void) {
  const char* home = fake_home();
  older_options(home);
  newer_options(home);
  selftune_engine_t* engine = open_at(home, 0);
  callbacks_of_other_versions(engine);
  missing_pointers(engine);
  nobody_asks_why(engine);
  counted_bytes(engine);
  untouched_on_failure(engine);
  selftune_close(engine);
  return 0;
}
