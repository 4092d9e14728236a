/* What goes wrong has a name, and says what to do. */
#include <sys/stat.h>
#include <sys/wait.h>

#include "check.h"

static void write_file(const char* path, const char* text) {
  FILE* file = fopen(path, "w");
  CHECK(file != NULL);
  CHECK(fputs(text, file) >= 0);
  CHECK(fclose(file) == 0);
}

static void requests(selftune_engine_t* engine) {
  CHECK_FAILS(engine, "", "INVALID_REQUEST");
  CHECK_FAILS(engine, "[]", "INVALID_REQUEST");
  CHECK_FAILS(engine, "{", "INVALID_REQUEST");
  CHECK_FAILS(engine, "{}", "INVALID_REQUEST");
  CHECK_FAILS(engine, "{\"op\":7}", "INVALID_REQUEST");
  CHECK_FAILS(engine, "{\"op\":\"skill.pars\"}", "UNKNOWN_OPERATION");
  CHECK_FAILS(engine, "{\"op\":\"schema.list\",\"op\":\"schema.list\"}", "INVALID_REQUEST");
  CHECK_FAILS(engine, "{\"op\":\"schema.list\",\"paramz\":{}}", "INVALID_REQUEST");
  CHECK_FAILS(engine, "{\"op\":\"schema.list\",\"params\":[]}", "INVALID_REQUEST");
  CHECK_FAILS(engine, "{\"op\":\"schema.list\",\"params\":{\"x\":1}}", "INVALID_REQUEST");
  CHECK_FAILS(engine, "{\"op\":\"schema.list\",\"client\":\"me\"}", "INVALID_REQUEST");
  CHECK_FAILS(engine, "{\"op\":\"schema.list\",\"client\":{\"namee\":\"me\"}}", "INVALID_REQUEST");
  CHECK_FAILS(engine, "{\"op\":\"schema.list\",\"deadline_ms\":0}", "INVALID_REQUEST");
  CHECK_FAILS(engine, "{\"op\":\"schema.list\",\"deadline_ms\":1.5}", "INVALID_REQUEST");
  CHECK_FAILS(engine, "{\"op\":\"schema.get\"}", "INVALID_REQUEST");
  CHECK_FAILS(engine, "{\"op\":\"schema.get\",\"params\":{\"id\":7}}", "INVALID_REQUEST");
  CHECK_FAILS(engine, "{\"op\":\"schema.get\",\"params\":{\"id\":\"selftune/no@1\"}}", "NOT_FOUND");
  CHECK_FAILS(engine, "{\"op\":\"signals.detect\",\"params\":{\"prompt\":\"x\",\"skills\":[1]}}",
              "INVALID_REQUEST");
  CHECK_FAILS(engine, "{\"op\":\"schema.list\",\"params\":{\"\xff\":1}}", "INVALID_REQUEST");
}

static void what_was_meant(selftune_engine_t* engine) {
  selftune_buf_t reply = SELFTUNE_BUF_INIT;
  selftune_error_t* error = NULL;
  CHECK(selftune_request(engine, selftune_str("{\"op\":\"skill.pars\"}"), &reply, &error) !=
        SELFTUNE_OK);
  const char* json = selftune_error_json(error);
  CHECK(strstr(json, "did you mean skill.parse?") != NULL);
  CHECK(strstr(json, "\"next\":{\"command\":") != NULL);
  CHECK(strstr(json, "\"exit_code\":64") != NULL);
  CHECK(strstr(json, "\"retryable\":false") != NULL);
  CHECK(strstr(json, "\"details\":null") != NULL);
  selftune_error_free(error);
}

static void files(selftune_engine_t* engine, const char* home) {
  char request[2000];
  char path[600];
  snprintf(request, sizeof request, "{\"op\":\"skill.parse\",\"params\":{\"path\":\"%s/none\"}}",
           home);
  CHECK_FAILS(engine, request, "FILE_NOT_FOUND");

  snprintf(path, sizeof path, "%s/SKILL.md", home);
  write_file(path, "---\nname: x\ndescription: first\n---\n\nBody.\n");
  snprintf(request, sizeof request, "{\"op\":\"skill.parse\",\"params\":{\"path\":\"%s\"}}", path);
  check_reply(
      engine, request,
      "\"description\":\"first\",\"description_style\":\"plain\",\"description_span\":[25,30]");
  snprintf(request, sizeof request,
           "{\"op\":\"skill.replace_description\",\"params\":{\"path\":\"%s\",\"description\":"
           "\"second\"}}",
           path);
  check_reply(
      engine, request,
      "\"content_base64\":\"LS0tCm5hbWU6IHgKZGVzY3JpcHRpb246IHNlY29uZAotLS0KCkJvZHkuCg==\"");
  snprintf(
      request, sizeof request,
      "{\"op\":\"skill.replace_description\",\"params\":{\"path\":\"%s\",\"description\":\" \"}}",
      path);
  CHECK_FAILS(engine, request, "INVALID_FRONTMATTER");
  snprintf(request, sizeof request,
           "{\"op\":\"skill.replace_description\",\"params\":{\"path\":\"%s\",\"description\":"
           "\"x\",\"output_path\":\"%s\"}}",
           path, path);
  CHECK_FAILS(engine, request, "FILE_EXISTS");
}

static void stores(selftune_engine_t* engine, const char* home) {
  char path[600];
  CHECK_FAILS(engine, "{\"op\":\"store.info\"}", "STORE_MISSING");
  CHECK_FAILS(engine, "{\"op\":\"store.query\",\"params\":{\"sql\":\"SELECT 1\"}}",
              "STORE_MISSING");
  CHECK_FAILS(engine, "{\"op\":\"store.restore\",\"params\":{\"id\":\"x\"}}",
              "CONFIRMATION_REQUIRED");
  CHECK_FAILS(engine, "{\"op\":\"store.restore\",\"params\":{\"id\":\"x\",\"yes\":true}}",
              "NOT_FOUND");

  /* A file that is not ours is not opened. */
  snprintf(path, sizeof path, "%s/.selftune", home);
  CHECK(mkdir(path, 0700) == 0);
  snprintf(path, sizeof path, "%s/.selftune/selftune.db", home);
  write_file(path,
             "this is not a database, but longer than a header of one hundred bytes "
             "..............................................");
  {
    const char* name = failing(engine, "{\"op\":\"store.info\"}");
    CHECK(strcmp(name, "STORE_FOREIGN") == 0 || strcmp(name, "STORE_CORRUPT") == 0);
  }
  CHECK(unlink(path) == 0);
}

static void read_only(const char* home) {
  selftune_engine_t* engine = open_at(home, SELFTUNE_READ_ONLY);
  char path[600];
  snprintf(path, sizeof path, "%s/.selftune/selftune.db", home);
  write_file(path, "");
  CHECK_FAILS(engine, "{\"op\":\"store.migrate\"}", "STORE_READ_ONLY");
  CHECK(unlink(path) == 0);
  selftune_close(engine);
}

static void forked(selftune_engine_t* engine) {
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    const int ok = strcmp(failing(engine, "{\"op\":\"about.version\"}"), "FORKED") == 0;
    _exit(ok ? 0 : 1);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  check_reply(engine, "{\"op\":\"about.version\"}", "\"ok\":true"); /* the parent goes on */
}

int main(void) {
  const char* home = fake_home();
  selftune_engine_t* engine = open_at(home, 0);
  requests(engine);
  what_was_meant(engine);
  files(engine, home);
  stores(engine, home);
  read_only(home);
  forked(engine);
  selftune_close(engine);
  return 0;
}
