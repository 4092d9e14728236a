/* An engine with no options at all: the process environment decides.

       ask REQUEST                       prints the reply
       ask --hook HOST HOOK <payload     handles one event of a hook */
#include <selftune/hook.h>
#include <selftune/selftune.h>
#include <stdio.h>
#include <string.h>

static int fail(selftune_error_t* error) {
  fprintf(stderr, "%s\n", selftune_error_json(error));
  selftune_error_free(error);
  return 1;
}

static int hook(const char* host, const char* name) {
  static char payload[1 << 16];
  selftune_str_t text = {payload, fread(payload, 1, sizeof payload, stdin)};
  selftune_buf_t reply = SELFTUNE_BUF_INIT;
  selftune_error_t* error = NULL;
  int32_t exit_code = 0;
  if (selftune_hook_handle(NULL, selftune_str(host), selftune_str(name), text, &reply, &exit_code,
                           &error) != SELFTUNE_OK) {
    return fail(error);
  }
  selftune_buf_free(&reply);
  return exit_code;
}

int main(int argc, char** argv) {
  selftune_engine_t* engine = NULL;
  selftune_buf_t reply = SELFTUNE_BUF_INIT;
  selftune_error_t* error = NULL;
  if (argc == 4 && strcmp(argv[1], "--hook") == 0) return hook(argv[2], argv[3]);
  if (argc != 2) return 64;
  if (selftune_open(NULL, &engine, &error) != SELFTUNE_OK) return fail(error);
  if (selftune_request(engine, selftune_str(argv[1]), &reply, &error) != SELFTUNE_OK) {
    selftune_close(engine);
    return fail(error);
  }
  puts(reply.data);
  selftune_buf_free(&reply);
  selftune_close(engine);
  return 0;
}
