/* Reads a query to its end through selftune_export_arrow.
 *
 *   export_rows DB REQUEST   prints the rows */
#include <selftune/selftune.h>
#include <stdio.h>

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: export_rows DB REQUEST\n");
    return 2;
  }
  selftune_options_t options = SELFTUNE_OPTIONS_INIT;
  selftune_engine_t* engine = NULL;
  selftune_error_t* error = NULL;
  struct ArrowArrayStream stream = {0};
  options.flags = SELFTUNE_READ_ONLY;
  options.db_path = selftune_str(argv[1]);
  if (selftune_open(&options, &engine, &error) != SELFTUNE_OK ||
      selftune_export_arrow(engine, selftune_str(argv[2]), &stream, &error) != SELFTUNE_OK) {
    fprintf(stderr, "export_rows: %s\n", selftune_error_message(error));
    return 1;
  }
  long rows = 0;
  int code = 0;
  for (;;) {
    struct ArrowArray batch = {0};
    code = stream.get_next(&stream, &batch);
    if (code != 0 || batch.release == NULL) break;
    rows += (long)batch.length;
    batch.release(&batch);
  }
  if (code != 0) fprintf(stderr, "export_rows: %s\n", stream.get_last_error(&stream));
  stream.release(&stream);
  selftune_close(engine);
  printf("%ld\n", rows);
  return code != 0;
}
