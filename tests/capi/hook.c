/* One hook call: what it keeps, what it says, and that listeners hear of it. */
#include <stdatomic.h>
#include <time.h>

#include "check.h"

static atomic_int calls;

static void changed(void* user, int64_t clock, uint32_t topics) {
  (void)clock;
  (void)user;
  if ((topics & SELFTUNE_TOPIC_EVIDENCE) != 0) ++calls;
}

static int64_t now_ms(void* user) { return *(const int64_t*)user; }

static const char kPrompt[] =
    "{\"session_id\":\"s\",\"hook_event_name\":\"UserPromptSubmit\",\"prompt\":\"hello\"}";

/* Handles and gives everything back. */
static selftune_code_t handle(const selftune_hook_options_t* options, const char* host,
                              const char* hook, const char* payload, const char* name) {
  selftune_buf_t reply = {(char*)1, 7};
  int32_t exit_code = 77;
  selftune_error_t* error = (selftune_error_t*)1;
  const selftune_code_t code =
      selftune_hook_handle(options, selftune_str(host), selftune_str(hook), selftune_str(payload),
                           &reply, &exit_code, &error);
  CHECK(exit_code == 0);
  CHECK(reply.size == 0 && reply.data == NULL);
  CHECK((error == NULL) == (code == SELFTUNE_OK));
  CHECK(selftune_error_code(error) == code);
  CHECK(strcmp(selftune_error_name(error), name) == 0);
  CHECK(selftune_error_json(error)[0] == '{');
  if (error != NULL) {
    CHECK(strstr(selftune_error_json(error), "\"next\":{\"command\":\"selftune ") != NULL);
    CHECK(strstr(selftune_error_json(error), "\"argv\":[\"selftune\",\"") != NULL);
  }
  selftune_error_free(error);
  selftune_buf_free(&reply);
  return code;
}

int main(void) {
  static char home[600];
  static char variable[700];
  snprintf(home, sizeof home, "%s", fake_home());
  snprintf(variable, sizeof variable, "HOME=%s", home);
  const char* const env[] = {variable, "SELFTUNE_HOME=", "SELFTUNE_CONFIG_DIR=/dev/null",
                             "SELFTUNE_INTERNAL=", NULL};
  const char* const internal[] = {variable, "SELFTUNE_HOME=", "SELFTUNE_INTERNAL=1", NULL};
  const char* const homeless[] = {"HOME=", "SELFTUNE_HOME=", "SELFTUNE_CONFIG_DIR=/tmp",
                                  "SELFTUNE_INTERNAL=", NULL};
  int64_t time_of_hook = 1790000000000;
  selftune_hook_options_t options = SELFTUNE_HOOK_OPTIONS_INIT;
  options.env = env;
  options.now_ms = now_ms;
  options.user = &time_of_hook;

  selftune_engine_t* engine = open_at(home, 0);
  make_store(engine);
  selftune_sub_t* sub = NULL;
  CHECK(selftune_subscribe(engine, SELFTUNE_TOPIC_ALL, changed, NULL, &sub, NULL) == SELFTUNE_OK);

  CHECK(handle(&options, "claude-code", "prompt-log", kPrompt, "") == SELFTUNE_OK);
  /* Nobody reads the store: the subscription itself sees to it. */
  for (int i = 0; i < 500 && calls == 0; ++i) {
    const struct timespec pause = {0, 10 * 1000 * 1000};
    nanosleep(&pause, NULL);
  }
  CHECK(calls > 0);
  selftune_unsubscribe(sub);
  check_reply(engine, "{\"op\":\"session.timeline\",\"params\":{\"session\":\"s\"}}", "hello");

  /* Of no interest, not known, not usable, not to be kept. */
  CHECK(handle(&options, "claude", "", "{\"hook_event_name\":\"Other\"}", "") == SELFTUNE_OK);
  CHECK(handle(&options, "nobody", "", kPrompt, "NOT_FOUND") == SELFTUNE_E_NOT_FOUND);
  CHECK(handle(&options, "claude", "sing", kPrompt, "NOT_FOUND") == SELFTUNE_E_NOT_FOUND);
  CHECK(handle(&options, "claude", "", "{", "INVALID_REQUEST") == SELFTUNE_E_INVALID_ARGUMENT);
  selftune_hook_options_t sizeless = options;
  sizeless.struct_size = 0; /* what it says could not be trusted: not even where to */
  CHECK(handle(&sizeless, "claude-code", "", kPrompt, "INVALID_REQUEST") ==
        SELFTUNE_E_INVALID_ARGUMENT);
  options.env = internal;
  CHECK(handle(&options, "claude", "", "{", "") == SELFTUNE_OK);
  options.env = homeless;
  CHECK(handle(&options, "claude", "", kPrompt, "WRITE_FAILED") == SELFTUNE_E_DATA_LOSS);

  /* Misuse. */
  selftune_buf_t reply = SELFTUNE_BUF_INIT;
  int32_t exit_code = 1;
  const selftune_str_t nothing = {NULL, 0};
  CHECK(selftune_hook_handle(&options, nothing, nothing, nothing, NULL, &exit_code, NULL) ==
        SELFTUNE_E_INVALID_ARGUMENT);
  CHECK(exit_code == 0);
  CHECK(selftune_hook_handle(&options, nothing, nothing, nothing, &reply, NULL, NULL) ==
        SELFTUNE_E_INVALID_ARGUMENT);

  /* Options of another version. */
  struct {
    selftune_hook_options_t options;
    char more[16];
  } newer = {options, {0}};
  newer.options.env = internal;
  newer.options.struct_size = sizeof newer;
  CHECK(handle(&newer.options, "claude", "", "{", "") == SELFTUNE_OK);
  newer.more[15] = 1;
  CHECK(handle(&newer.options, "claude", "", "{", "INVALID_REQUEST") ==
        SELFTUNE_E_INVALID_ARGUMENT);
  options.struct_size = 3;
  CHECK(handle(&options, "claude", "", "{", "INVALID_REQUEST") == SELFTUNE_E_INVALID_ARGUMENT);
  selftune_close(engine);
  return 0;
}
