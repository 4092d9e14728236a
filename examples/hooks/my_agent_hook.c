/* A hook program for an agent that selftune does not know.
 *
 *     my_agent_hook SESSION prompt TEXT            a person typed TEXT
 *     my_agent_hook SESSION skill NAME CALL_ID     the model loaded skill NAME
 *     my_agent_hook SESSION end                    the session is over
 *
 * Links libselftune_hook alone, so it starts as fast as a program can:
 *
 *     cc my_agent_hook.c -o my_agent_hook $(pkg-config --cflags --libs selftune-hook)
 *
 * What it hands in is in `selftune status` and in the views of the store at
 * once, under the name "my_agent". Whatever goes wrong, the agent goes on. */
#include <selftune/hook.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A growing text; out of memory, the event is given up. */
typedef struct {
  char* data;
  size_t size, room;
} text_t;

static void add(text_t* out, const char* bytes, size_t size) {
  if (out->size + size > out->room) {
    out->room = (out->size + size) * 2;
    char* const bigger = realloc(out->data, out->room);
    if (bigger == NULL) exit(0);
    out->data = bigger;
  }
  memcpy(out->data + out->size, bytes, size);
  out->size += size;
}

/* ,"key":"value" */
static void field(text_t* out, const char* key, const char* value) {
  add(out, out->size > 1 ? ",\"" : "\"", out->size > 1 ? 2 : 1);
  add(out, key, strlen(key));
  add(out, "\":\"", 3);
  for (const char* c = value; *c != '\0'; ++c) {
    char escaped[8];
    if (*c == '"' || *c == '\\') {
      const int size = snprintf(escaped, sizeof escaped, "\\%c", *c);
      add(out, escaped, (size_t)size);
    } else if ((unsigned char)*c < 0x20) {
      const int size = snprintf(escaped, sizeof escaped, "\\u%04x", (unsigned)(unsigned char)*c);
      add(out, escaped, (size_t)size);
    } else {
      add(out, c, 1);
    }
  }
  add(out, "\"", 1);
}

int main(int argc, char** argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: %s SESSION prompt TEXT | skill NAME CALL_ID | end\n", argv[0]);
    return 64;
  }
  text_t event = {NULL, 0, 0};
  add(&event, "{", 1);
  field(&event, "session_id", argv[1]);
  if (strcmp(argv[2], "prompt") == 0 && argc == 4) {
    field(&event, "type", "prompt_submit");
    field(&event, "prompt", argv[3]);
  } else if (strcmp(argv[2], "skill") == 0 && argc == 5) {
    field(&event, "type", "post_tool_use");
    field(&event, "tool", "skill");
    field(&event, "skill", argv[3]);
    field(&event, "tool_call_id", argv[4]);
  } else if (strcmp(argv[2], "end") == 0) {
    field(&event, "type", "session_end");
  } else {
    fprintf(stderr, "%s: what is %s?\n", argv[0], argv[2]);
    free(event.data);
    return 64;
  }
  add(&event, "}", 1);

  const selftune_str_t payload = {event.data, event.size};
  selftune_buf_t reply = SELFTUNE_BUF_INIT;
  selftune_error_t* error = NULL;
  int32_t exit_code = 0;
  if (selftune_hook_handle(NULL, selftune_str("my-agent"), selftune_str("event"), payload, &reply,
                           &exit_code, &error) != SELFTUNE_OK &&
      getenv("MY_AGENT_DEBUG") != NULL) {
    fprintf(stderr, "%s\n", selftune_error_message(error));
  }
  if (reply.size > 0) fwrite(reply.data, 1, reply.size, stdout);
  selftune_error_free(error);
  selftune_buf_free(&reply);
  free(event.data);
  return exit_code;
}
