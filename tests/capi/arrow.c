/* selftune_export_arrow as a C program uses it: types, nulls, batches, order of
 * closing, errors. Leaks are found by the sanitizer build. */
#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>

#include "check.h"

enum { kRows = 150000, kBatch = 65536 };

/* 1..150000: a number, its half, a text that is null for every third, one of
 * three words, a time. */
static const char kSeries[] =
    "{\"sql\":\"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<150000) "
    "SELECT i, i/2.0 AS half, CASE WHEN i%3=0 THEN NULL ELSE 'text '||i END AS t, "
    "'w'||(i%3) AS word, '2026-01-31T08:00:00.'||substr('00'||(i%1000),-3)||'Z' AS at, i%2 AS odd "
    "FROM n\",\"types\":{\"word\":\"dictionary\",\"at\":\"time\",\"odd\":\"bool\"}}";

static selftune_code_t export_to(selftune_engine_t* engine, const char* request,
                                 struct ArrowArrayStream* out, selftune_error_t** error) {
  return selftune_export_arrow(engine, selftune_str(request), out, error);
}

static struct ArrowArrayStream must_export(selftune_engine_t* engine, const char* request) {
  struct ArrowArrayStream stream = {0};
  selftune_error_t* error = NULL;
  if (export_to(engine, request, &stream, &error) != SELFTUNE_OK) {
    fprintf(stderr, "%s: %s\n", request, selftune_error_json(error));
    exit(1);
  }
  CHECK(stream.release != NULL && stream.get_schema != NULL && stream.get_next != NULL);
  return stream;
}

static void expect_error(selftune_engine_t* engine, const char* request, const char* name) {
  struct ArrowArrayStream stream = {0};
  selftune_error_t* error = NULL;
  CHECK(export_to(engine, request, &stream, &error) != SELFTUNE_OK);
  CHECK(stream.release == NULL);
  if (strcmp(selftune_error_name(error), name) != 0) {
    fprintf(stderr, "%s: %s, expected %s\n", request, selftune_error_json(error), name);
    exit(1);
  }
  selftune_error_free(error);
  CHECK(export_to(engine, request, &stream, NULL) != SELFTUNE_OK);
}

static int valid(const struct ArrowArray* column, int64_t row) {
  const uint8_t* bits = column->buffers[0];
  return bits == NULL || (bits[row / 8] >> (row % 8) & 1) != 0;
}

static void check_batch(const struct ArrowArray* batch, int64_t before) {
  char want[32];
  CHECK(batch->n_children == 6 && batch->n_buffers == 1 && batch->offset == 0);
  const int64_t* numbers = batch->children[0]->buffers[1];
  const double* halves = batch->children[1]->buffers[1];
  const struct ArrowArray* text = batch->children[2];
  const int32_t* ends = text->buffers[1];
  const char* chars = text->buffers[2];
  const int32_t* codes = batch->children[3]->buffers[1];
  const struct ArrowArray* words = batch->children[3]->dictionary;
  const int64_t* times = batch->children[4]->buffers[1];
  const uint8_t* odd = batch->children[5]->buffers[1];
  CHECK(words != NULL && words->length == 3);
  CHECK((uintptr_t)numbers % 64 == 0 && (uintptr_t)chars % 64 == 0);
  int64_t nulls = 0;
  for (int64_t row = 0; row < batch->length; ++row) {
    const int64_t i = before + row + 1;
    CHECK(numbers[row] == i && halves[row] == (double)i / 2);
    CHECK(valid(text, row) == (i % 3 != 0));
    nulls += i % 3 == 0;
    want[0] = '\0';
    if (i % 3 != 0) snprintf(want, sizeof want, "text %lld", (long long)i);
    CHECK(ends[row + 1] - ends[row] == (int32_t)strlen(want));
    CHECK(memcmp(chars + ends[row], want, strlen(want)) == 0);
    const int32_t* word_ends = words->buffers[1];
    const char* word = (const char*)words->buffers[2] + word_ends[codes[row]];
    CHECK(word[0] == 'w' && word[1] == (char)('0' + i % 3));
    CHECK(times[row] == 1769846400000 + i % 1000);
    CHECK((odd[row / 8] >> (row % 8) & 1) == i % 2);
  }
  CHECK(text->null_count == nulls && batch->children[0]->null_count == 0);
}

static void check_series(selftune_engine_t* engine) {
  static const char* const formats[] = {"l", "g", "u", "i", "tsm:UTC", "b"};
  struct ArrowArrayStream stream = must_export(engine, kSeries);
  struct ArrowSchema schema = {0};
  CHECK(stream.get_schema(&stream, &schema) == 0);
  CHECK(strcmp(schema.format, "+s") == 0 && schema.n_children == 6);
  for (int i = 0; i < 6; ++i) {
    CHECK(strcmp(schema.children[i]->format, formats[i]) == 0);
    CHECK((schema.children[i]->flags & ARROW_FLAG_NULLABLE) != 0);
  }
  CHECK(strcmp(schema.children[3]->dictionary->format, "u") == 0);
  CHECK(strcmp(schema.children[4]->name, "at") == 0);
  schema.release(&schema);
  CHECK(schema.release == NULL);

  int64_t rows = 0;
  for (;;) {
    struct ArrowArray batch = {0};
    CHECK(stream.get_next(&stream, &batch) == 0);
    if (batch.release == NULL) break;
    CHECK(batch.length <= kBatch);
    check_batch(&batch, rows);
    rows += batch.length;
    /* One column is moved out and outlives its batch. */
    struct ArrowArray moved = *batch.children[2];
    batch.children[2]->release = NULL;
    batch.release(&batch);
    CHECK(batch.release == NULL);
    CHECK(((const int32_t*)moved.buffers[1])[0] == 0);
    moved.release(&moved);
  }
  CHECK(rows == kRows);
  struct ArrowArray after = {0};
  CHECK(stream.get_next(&stream, &after) == 0 && after.release == NULL);
  CHECK(stream.get_last_error(&stream) == NULL);
  void (*const release)(struct ArrowArrayStream*) = stream.release;
  release(&stream);
  CHECK(stream.release == NULL);
  release(&stream); /* again, through the same struct */
}

/* The engine goes first, then the stream, then a batch. */
static void check_order(const char* home) {
  selftune_engine_t* engine = open_at(home, SELFTUNE_READ_ONLY);
  struct ArrowArrayStream stream = must_export(engine, kSeries);
  struct ArrowArrayStream unread = must_export(engine, "{\"dataset\":\"sessions\"}");
  struct ArrowArray batch = {0};
  selftune_close(engine);
  CHECK(stream.get_next(&stream, &batch) == 0);
  batch.release(&batch);
  CHECK(stream.get_next(&stream, &batch) == 0);
  stream.release(&stream);
  check_batch(&batch, kBatch);
  batch.release(&batch);
  unread.release(&unread);
}

static void check_errors(selftune_engine_t* engine) {
  expect_error(engine, "{}", "INVALID_REQUEST");
  expect_error(engine, "no json", "INVALID_REQUEST");
  expect_error(engine, "{\"dataset\":\"sessions\",\"sql\":\"SELECT 1\"}", "INVALID_REQUEST");
  expect_error(engine, "{\"dataset\":\"body\"}", "INVALID_REQUEST");
  expect_error(engine, "{\"dataset\":\"sessions\",\"columns\":[\"nope\"]}", "INVALID_REQUEST");
  expect_error(engine, "{\"dataset\":\"sessions\",\"order\":[\"-nope\"]}", "INVALID_REQUEST");
  expect_error(engine, "{\"dataset\":\"sessions\",\"where\":{\"a\\\" OR 1 --\":1}}",
               "INVALID_REQUEST");
  expect_error(engine, "{\"dataset\":\"sessions\",\"since\":\"soon\"}", "INVALID_REQUEST");
  expect_error(engine, "{\"dataset\":\"skills\",\"since\":\"7d\"}", "INVALID_REQUEST");
  expect_error(engine, "{\"dataset\":\"sessions\",\"limit\":0}", "INVALID_REQUEST");
  expect_error(engine, "{\"dataset\":\"sessions\",\"speed\":1}", "INVALID_REQUEST");
  expect_error(engine, "{\"sql\":\"SELECT 1\",\"limit\":1}", "INVALID_REQUEST");
  expect_error(engine, "{\"sql\":\"SELECT 1 AS a\",\"types\":{\"b\":\"int64\"}}",
               "INVALID_REQUEST");
  expect_error(engine, "{\"sql\":\"SELECT 1 AS a\",\"types\":{\"a\":\"int\"}}", "INVALID_REQUEST");
  expect_error(engine, "{\"sql\":\"SELECT 'x' AS a\",\"types\":{\"a\":\"int64\"}}",
               "QUERY_REFUSED");
  expect_error(engine, "{\"sql\":\"SELECT * FROM body\"}", "QUERY_REFUSED");
  expect_error(engine, "{\"sql\":\"DELETE FROM sessions\"}", "QUERY_REFUSED");
  expect_error(engine, "{\"sql\":\"PRAGMA user_version\"}", "QUERY_REFUSED");
  expect_error(engine, "{\"sql\":\"ATTACH 'x' AS y\"}", "QUERY_REFUSED");
  expect_error(engine, "{\"sql\":\"SELECT ?1\"}", "QUERY_REFUSED");
  expect_error(engine, "{\"sql\":\"SELECT ?1\",\"args\":[9223372036854775808]}", "INVALID_REQUEST");
  expect_error(engine, "{\"sql\":\"SELECT zeroblob(100000000)\"}", "QUERY_REFUSED");
  expect_error(engine,
               "{\"sql\":\"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) "
               "SELECT count(*) FROM n\",\"deadline_ms\":50}",
               "DEADLINE");
  struct ArrowArrayStream stream = {0};
  CHECK(export_to(NULL, "{}", &stream, NULL) == SELFTUNE_E_INVALID_ARGUMENT);
  CHECK(export_to(engine, "{}", NULL, NULL) == SELFTUNE_E_INVALID_ARGUMENT);
}

/* Errors after the first batch: what fails once keeps failing. */
static void check_late_errors(selftune_engine_t* engine) {
  struct ArrowArrayStream stream = must_export(
      engine,
      "{\"sql\":\"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) "
      "SELECT CASE WHEN i<=65537 THEN i ELSE 'late' END AS v FROM n\",\"deadline_ms\":60000}");
  struct ArrowArray batch = {0};
  CHECK(stream.get_next(&stream, &batch) == 0);
  batch.release(&batch);
  for (int i = 0; i < 2; ++i) {
    CHECK(stream.get_next(&stream, &batch) == EINVAL && batch.release == NULL);
    CHECK(strstr(stream.get_last_error(&stream), "row 65538 holds a text") != NULL);
  }
  CHECK(strstr(stream.get_last_error(&stream), "\"types\":{\"v\":\"utf8\"}") != NULL);
  stream.release(&stream);

  /* All rows decide the type. */
  stream = must_export(
      engine,
      "{\"sql\":\"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<70000) "
      "SELECT CASE WHEN i<=65537 THEN i ELSE 'late' END AS v, "
      "CASE WHEN i>66000 THEN i END AS w FROM n\",\"whole\":true}");
  struct ArrowSchema schema = {0};
  CHECK(stream.get_schema(&stream, &schema) == 0);
  CHECK(strcmp(schema.children[0]->format, "u") == 0 &&
        strcmp(schema.children[1]->format, "l") == 0);
  schema.release(&schema);
  int64_t rows = 0;
  while (stream.get_next(&stream, &batch) == 0 && batch.release != NULL) {
    rows += batch.length;
    batch.release(&batch);
  }
  CHECK(rows == 70000);
  stream.release(&stream);

  stream = must_export(engine,
                       "{\"sql\":\"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) "
                       "SELECT i FROM n\",\"deadline_ms\":300}");
  int code = 0;
  while ((code = stream.get_next(&stream, &batch)) == 0) batch.release(&batch);
  CHECK(code == ETIMEDOUT && strstr(stream.get_last_error(&stream), "DEADLINE") != NULL);
  stream.release(&stream);
}

static int32_t stop_third(void* user) { return ++*(int*)user >= 3; }

/* Whoever asked may have had enough; the stream asks no more later. */
static void check_stop(selftune_engine_t* engine) {
  static const char kEndless[] =
      "{\"sql\":\"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) "
      "SELECT count(*) FROM n\"}";
  int asked = 0;
  struct ArrowArrayStream stream = {0};
  selftune_error_t* error = NULL;
  CHECK(selftune_export_arrow_until(engine, selftune_str(kEndless), stop_third, &asked, &stream,
                                    &error) == SELFTUNE_E_CANCELLED);
  CHECK(strcmp(selftune_error_name(error), "CANCELLED") == 0);
  selftune_error_free(error);
  CHECK(asked == 3 && stream.release == NULL);

  asked = -1000000;
  CHECK(selftune_export_arrow_until(engine, selftune_str(kSeries), stop_third, &asked, &stream,
                                    NULL) == SELFTUNE_OK);
  const int before = asked;
  CHECK(before > -1000000);
  struct ArrowArray batch = {0};
  while (stream.get_next(&stream, &batch) == 0 && batch.release != NULL) batch.release(&batch);
  CHECK(asked == before);
  stream.release(&stream);
}

/* In a child the stream says no, and giving it back harms nobody. */
static void check_fork(selftune_engine_t* engine) {
  struct ArrowArrayStream stream = must_export(engine, kSeries);
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    struct ArrowArray batch = {0};
    const int refused = stream.get_next(&stream, &batch) == EINVAL && batch.release == NULL;
    stream.release(&stream);
    _exit(refused ? 0 : 1);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  int64_t rows = 0;
  struct ArrowArray batch = {0};
  while (stream.get_next(&stream, &batch) == 0 && batch.release != NULL) {
    rows += batch.length;
    batch.release(&batch);
  }
  CHECK(rows == kRows);
  stream.release(&stream);
}

static void* read_all(void* user) {
  for (int round = 0; round < 5; ++round) {
    struct ArrowArrayStream stream = must_export(user, "{\"dataset\":\"prompts\"}");
    struct ArrowSchema schema = {0};
    struct ArrowArray batch = {0};
    CHECK(stream.get_schema(&stream, &schema) == 0 && schema.n_children > 20);
    schema.release(&schema);
    CHECK(stream.get_next(&stream, &batch) == 0);
    if (batch.release != NULL) batch.release(&batch);
    stream.release(&stream);
  }
  return NULL;
}

static void check_threads(selftune_engine_t* engine) {
  pthread_t threads[4];
  for (int i = 0; i < 4; ++i) CHECK(pthread_create(&threads[i], NULL, read_all, engine) == 0);
  for (int i = 0; i < 4; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
}

int main(void) {
  static char home[600];
  snprintf(home, sizeof home, "%s", fake_home());
  selftune_engine_t* engine = open_at(home, 0);
  CHECK(selftune_has("arrow") == 1);
  expect_error(engine, "{\"dataset\":\"sessions\"}", "STORE_MISSING");
  make_store(engine);
  check_series(engine);
  check_errors(engine);
  check_late_errors(engine);
  check_stop(engine);
  check_threads(engine);
  check_fork(engine);
  selftune_close(engine);
  check_order(home);
  return 0;
}
