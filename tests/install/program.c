/* What somebody else's program looks like. */
#include <selftune/selftune.h>
#include <stdio.h>

int main(void) {
  selftune_options_t options = SELFTUNE_OPTIONS_INIT;
  selftune_engine_t* engine = NULL;
  selftune_error_t* error = NULL;
  selftune_buf_t reply = SELFTUNE_BUF_INIT;
  if (selftune_open(&options, &engine, &error) == SELFTUNE_OK &&
      selftune_request(engine, selftune_str("{\"op\":\"about.version\"}"), &reply, &error) ==
          SELFTUNE_OK) {
    puts(reply.data);
  }
  if (error != NULL) fprintf(stderr, "%s\n", selftune_error_json(error));
  const int failed = error != NULL;
  selftune_buf_free(&reply);
  selftune_error_free(error);
  selftune_close(engine);
  return failed;
}
