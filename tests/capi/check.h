/* What the C tests share: a folder of their own, checks, requests. */
#ifndef SELFTUNE_TESTS_CAPI_CHECK_H_
#define SELFTUNE_TESTS_CAPI_CHECK_H_

#include <ftw.h>
#include <selftune/selftune.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECK(condition)                                                        \
  do {                                                                          \
    if (!(condition)) {                                                         \
      fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                                  \
    }                                                                           \
  } while (0)

/* What a skipped test exits with. */
#define SKIPPED 77

static struct {
  char root[512];
  pid_t maker; /* forked children must not remove it */
  int homes;
} temporary;

static inline int remove_entry(const char* path, const struct stat* info, int type,
                               struct FTW* where) {
  (void)info;
  (void)type;
  (void)where;
  return remove(path);
}

static inline void remove_homes(void) {
  if (getpid() == temporary.maker) nftw(temporary.root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* A new empty home below the folder for temporary files, removed when the
   process ends. The text is valid until the next call. */
static inline const char* fake_home(void) {
  static char path[600];
  const char* tmp = getenv("TMPDIR");
  if (temporary.maker == 0) {
    snprintf(temporary.root, sizeof temporary.root, "%s/selftune-capi-XXXXXX",
             tmp != NULL ? tmp : "/tmp");
    CHECK(mkdtemp(temporary.root) != NULL);
    temporary.maker = getpid();
    CHECK(atexit(remove_homes) == 0);
  }
  snprintf(path, sizeof path, "%s/%d", temporary.root, ++temporary.homes);
  CHECK(mkdir(path, 0700) == 0);
  return path;
}

static inline selftune_engine_t* open_at(const char* home, uint32_t flags) {
  static const char* const env[] = {"PATH=/nonexistent", NULL};
  selftune_options_t options = SELFTUNE_OPTIONS_INIT;
  selftune_engine_t* engine = NULL;
  options.home = selftune_str(home);
  options.flags = flags;
  options.env = env;
  CHECK(selftune_open(&options, &engine, NULL) == SELFTUNE_OK);
  return engine;
}

/* The name of the error of a request that must fail. Static, one a thread. */
static inline const char* failing(selftune_engine_t* engine, const char* request) {
  static _Thread_local char name[64];
  selftune_buf_t reply = SELFTUNE_BUF_INIT;
  selftune_error_t* error = NULL;
  const selftune_code_t code = selftune_request(engine, selftune_str(request), &reply, &error);
  CHECK(code != SELFTUNE_OK);
  CHECK(error != NULL);
  CHECK(code == selftune_error_code(error));
  CHECK(reply.data == NULL && reply.size == 0);
  CHECK(strlen(selftune_error_message(error)) > 0);
  CHECK(selftune_error_json(error)[0] == '{');
  snprintf(name, sizeof name, "%s", selftune_error_name(error));
  selftune_error_free(error);
  return name;
}

#define CHECK_FAILS(engine, request, want)                                                         \
  do {                                                                                             \
    const char* got = failing(engine, request);                                                    \
    if (strcmp(got, want) != 0) {                                                                  \
      fprintf(stderr, "%s:%d: %s: expected %s, got %s\n", __FILE__, __LINE__, request, want, got); \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)

/* The reply holds `part`. */
static inline void check_reply(selftune_engine_t* engine, const char* request, const char* part) {
  selftune_buf_t reply = SELFTUNE_BUF_INIT;
  selftune_error_t* error = NULL;
  if (selftune_request(engine, selftune_str(request), &reply, &error) != SELFTUNE_OK) {
    fprintf(stderr, "%s: %s\n", request, selftune_error_json(error));
    exit(1);
  }
  CHECK(error == NULL);
  CHECK(reply.data != NULL && reply.data[reply.size] == '\0' && strlen(reply.data) == reply.size);
  if (strstr(reply.data, part) == NULL) {
    fprintf(stderr, "%s: no %s in %s\n", request, part, reply.data);
    exit(1);
  }
  selftune_buf_free(&reply);
  CHECK(reply.data == NULL && reply.size == 0);
}

/* Makes an empty store; ends the test as skipped when nothing can make one. */
static inline void make_store(selftune_engine_t* engine) {
  selftune_buf_t reply = SELFTUNE_BUF_INIT;
  selftune_error_t* error = NULL;
  if (selftune_request(engine, selftune_str("{\"op\":\"sync.run\"}"), &reply, &error) !=
      SELFTUNE_OK) {
    const int missing = strcmp(selftune_error_name(error), "UNKNOWN_OPERATION") == 0;
    fprintf(stderr, "sync.run: %s\n", selftune_error_message(error));
    exit(missing ? SKIPPED : 1);
  }
  selftune_buf_free(&reply);
}

#endif
