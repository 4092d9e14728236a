/* Prints the skills used most, and how sure it is that they fire when needed.
 *
 *     top_skills [WINDOW] [COUNT]        30d and 10 unless said otherwise
 *
 * Reads the store of whoever runs it and writes nothing. Build:
 *     cc top_skills.c $(pkg-config --cflags --libs selftune jansson) -o top_skills
 *
 * jansson reads the JSON; any other parser will do. */
#include <jansson.h>
#include <selftune/selftune.h>
#include <stdio.h>
#include <stdlib.h>

/* What went wrong and the command that puts it right. Takes the error. */
static int complain(const char* doing, selftune_error_t* error) {
  json_t* facts = json_loads(selftune_error_json(error), 0, NULL);
  const char* command = NULL;
  /* "next" is null when there is no command to give. */
  json_unpack(facts, "{s:{s:s}}", "next", "command", &command);
  fprintf(stderr, "top_skills: %s: %s\n", doing, selftune_error_message(error));
  if (command != NULL) fprintf(stderr, "  next: %s\n", command);
  json_decref(facts);
  selftune_error_free(error);
  return EXIT_FAILURE;
}

/* One proportion: "7/9 0.45-0.94", the second part a 95 % interval. */
static void print_rate(json_int_t k, json_int_t n, const json_t* ci95) {
  char text[64] = "-";
  if (n > 0 && json_array_size(ci95) == 2) {
    snprintf(text, sizeof text, "%lld/%lld %.2f-%.2f", (long long)k, (long long)n,
             json_number_value(json_array_get(ci95, 0)),
             json_number_value(json_array_get(ci95, 1)));
  }
  printf("  %-18s", text);
}

static int more_uses(const void* a, const void* b) {
  const json_int_t left = json_integer_value(json_object_get(*(json_t* const*)a, "uses"));
  const json_int_t right = json_integer_value(json_object_get(*(json_t* const*)b, "uses"));
  return (left < right) - (left > right);
}

static void print_skill(json_t* skill) {
  const char* name = "";
  json_int_t uses = 0, hit = 0, expected = 0, good = 0, judged = 0;
  json_t *recall = NULL, *quality = NULL;
  json_unpack(skill, "{s:s, s:I, s:{s:I, s:I, s:o}, s:{s:I, s:I, s:o}}", "name", &name, "uses",
              &uses, "trigger", "hit", &hit, "expected", &expected, "ci95", &recall, "sessions",
              "good", &good, "judged", &judged, "ci95", &quality);
  printf("%-24s %5lld", name, (long long)uses);
  print_rate(hit, expected, recall);
  print_rate(good, judged, quality);
  putchar('\n');
}

static int print_top(const char* reply, size_t count) {
  json_error_t where;
  json_t* root = json_loads(reply, 0, &where);
  json_t* skills = json_object_get(json_object_get(root, "data"), "skills");
  const size_t n = json_array_size(skills);
  json_t** order = calloc(n + 1, sizeof *order);
  if (root == NULL || order == NULL) {
    fprintf(stderr, "top_skills: reading the reply: %s\n", root ? "no memory" : where.text);
    free(order);
    json_decref(root);
    return EXIT_FAILURE;
  }
  for (size_t i = 0; i < n; ++i) order[i] = json_array_get(skills, i);
  qsort(order, n, sizeof *order, more_uses);
  printf("%-24s %5s  %-18s  %-18s\n", "skill", "uses", "fired when needed", "good sessions");
  for (size_t i = 0; i < n && i < count; ++i) print_skill(order[i]);
  free(order);
  json_decref(root);
  if (fflush(stdout) != 0) {
    perror("top_skills: writing the table");
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}

int main(int argc, char** argv) {
  const char* window = argc > 1 ? argv[1] : "30d";
  const long count = argc > 2 ? strtol(argv[2], NULL, 10) : 10;
  selftune_options_t options = SELFTUNE_OPTIONS_INIT;
  selftune_engine_t* engine = NULL;
  selftune_error_t* error = NULL;
  selftune_buf_t reply = SELFTUNE_BUF_INIT;

  options.flags = SELFTUNE_READ_ONLY;
  if (selftune_open(&options, &engine, &error) != SELFTUNE_OK) {
    return complain("opening the library", error);
  }
  json_t* request = json_pack("{s:s, s:{s:s}}", "op", "status.get", "params", "window", window);
  char* text = request == NULL ? NULL : json_dumps(request, JSON_COMPACT);
  int result;
  if (selftune_request(engine, selftune_str(text), &reply, &error) == SELFTUNE_OK) {
    result = print_top(reply.data, count > 0 ? (size_t)count : 0);
    selftune_buf_free(&reply);
  } else {
    result = complain("asking for the status", error);
  }
  free(text);
  json_decref(request);
  selftune_close(engine);
  return result;
}
