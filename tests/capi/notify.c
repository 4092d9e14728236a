/* Who subscribed hears of every change, whoever made it. */
#include <stdatomic.h>
#include <time.h>

#include "check.h"

static atomic_int calls;
static _Atomic int64_t last_clock;
static atomic_uint last_topics;

static void changed(void* user, int64_t clock, uint32_t topics) {
  CHECK(user == &calls);
  last_clock = clock;
  last_topics = topics;
  ++calls;
}

static int wait_for_calls(int more_than) {
  for (int i = 0; i < 500 && calls <= more_than; ++i) {
    const struct timespec pause = {0, 10 * 1000 * 1000};
    nanosleep(&pause, NULL);
  }
  return calls;
}

int main(void) {
  static char home[600];
  snprintf(home, sizeof home, "%s", fake_home());
  selftune_engine_t* listener = open_at(home, 0);
  selftune_engine_t* writer = open_at(home, 0);
  selftune_sub_t* sub = NULL;
  selftune_error_t* error = NULL;

  CHECK(selftune_subscribe(listener, 0, changed, &calls, &sub, &error) ==
        SELFTUNE_E_INVALID_ARGUMENT);
  selftune_error_free(error);
  CHECK(selftune_subscribe(listener, SELFTUNE_TOPIC_ALL, changed, &calls, &sub, NULL) ==
        SELFTUNE_OK);
  make_store(writer); /* a store that appears is a change */
  CHECK(wait_for_calls(0) > 0);
  CHECK(last_topics != 0);
  selftune_unsubscribe(sub);

  const int before = calls;
  const struct timespec pause = {0, 200 * 1000 * 1000};
  nanosleep(&pause, NULL);
  CHECK(calls == before); /* silent after unsubscribe */
  selftune_close(writer);
  selftune_close(listener);
  return 0;
}
