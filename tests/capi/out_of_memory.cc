// Every allocation of a call fails in turn. The call either succeeds, with the
// right answer, or says that there was no memory; nothing crashes, hangs or is
// lost, and the same call works afterwards.
//
//   out_of_memory EMPTY_HOME FULL_HOME SKILL SCRATCH
#include <selftune/hook.h>
#include <selftune/selftune.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <string_view>

#include "failing_alloc.h"
#include "support/rounds.h"

namespace {

namespace fs = std::filesystem;
using failing::Mode;

int passed = 0;
int failed = 0;

struct Result {
  selftune_code_t code = SELFTUNE_OK;
  char name[40] = "";
  char message[200] = "";

  [[nodiscard]] bool ok() const { return code == SELFTUNE_OK; }
  [[nodiscard]] bool no_memory() const {
    return code == SELFTUNE_E_RESOURCE_EXHAUSTED && std::strcmp(name, "OUT_OF_MEMORY") == 0;
  }
};

// What a call said; gives its error back. Allocates nothing.
Result Take(selftune_code_t code, selftune_error_t* error) {
  Result out;
  out.code = code;
  std::snprintf(out.name, sizeof out.name, "%s", selftune_error_name(error));
  std::snprintf(out.message, sizeof out.message, "%s", selftune_error_message(error));
  if (code != selftune_error_code(error)) std::snprintf(out.name, sizeof out.name, "(no error)");
  if (!out.ok() && selftune_error_json(error)[0] != '{') out.name[0] = '?';
  selftune_error_free(error);
  return out;
}

// What a stream says with ENOMEM.
Result NoMemory() { return {SELFTUNE_E_RESOURCE_EXHAUSTED, "OUT_OF_MEMORY", "out of memory"}; }

int64_t FixedClock(void*) { return 1'795'000'000'000; }

struct Place {
  std::string home;
  std::string state;  // "" = in the home
};

Result Open(const Place& place, selftune_engine_t** engine) {
  static const char* const kEnv[] = {"PATH=/nonexistent", nullptr};
  selftune_options_t options = SELFTUNE_OPTIONS_INIT;
  options.home = {place.home.data(), place.home.size()};
  options.config_dir = {place.state.data(), place.state.size()};
  options.env = kEnv;
  options.now_ms = FixedClock;
  selftune_error_t* error = nullptr;
  const selftune_code_t code = selftune_open(&options, engine, &error);
  return Take(code, error);
}

selftune_engine_t* MustOpen(const Place& place) {
  selftune_engine_t* engine = nullptr;
  const Result result = Open(place, &engine);
  if (result.ok()) return engine;
  std::fprintf(stderr, "opening %s: %s\n", place.home.c_str(), result.message);
  std::exit(1);
}

Result Ask(selftune_engine_t* engine, std::string_view request, std::string* reply) {
  selftune_buf_t buffer = SELFTUNE_BUF_INIT;
  selftune_error_t* error = nullptr;
  const selftune_code_t code =
      selftune_request(engine, {request.data(), request.size()}, &buffer, &error);
  if (reply != nullptr && code == SELFTUNE_OK) {
    const failing::Exempt exempt;
    reply->assign(buffer.data, buffer.size);
  }
  selftune_buf_free(&buffer);
  return Take(code, error);
}

std::string MustAsk(selftune_engine_t* engine, std::string_view request) {
  std::string reply;
  const Result result = Ask(engine, request, &reply);
  if (result.ok()) return reply;
  std::fprintf(stderr, "%.*s: %s: %s\n", static_cast<int>(request.size()), request.data(),
               result.name, result.message);
  std::exit(1);
}

// A build with sanitizers takes five times as long, and looks at fewer points.
constexpr int64_t kShare = selftune::testing::kSanitized ? 4 : 1;

// Which allocations fail: the first `dense` and then fewer and fewer of them.
struct Points {
  int64_t dense = 300;
  int64_t spread = 60;
};

class Walk {
 public:
  explicit Walk(Points points)
      : points_{.dense = points.dense / kShare, .spread = points.spread / kShare} {}
  [[nodiscard]] int64_t at() const { return at_; }
  void Step() {
    at_ += at_ < points_.dense
               ? 1
               : 1 + static_cast<int64_t>(random_() %
                                          static_cast<uint64_t>(1 + 2 * at_ / points_.spread));
  }

 private:
  Points points_;
  int64_t at_ = 0;
  std::mt19937_64 random_{20261126};
};

const char* Word(Mode mode) { return mode == Mode::kOnce ? "once" : "onward"; }

using Body = std::function<Result()>;

// Runs `body` until none of its allocations is left to fail. `after` checks
// what it left behind; "" is good.
void EachAllocation(const char* what, Points points, const std::function<void()>& before,
                    const Body& body, const std::function<std::string(const Result&)>& after) {
  for (const Mode mode : {Mode::kOnce, Mode::kOnward}) {
    int64_t tried = 0;
    int bad = 0;
    for (Walk walk(points);; walk.Step()) {
      if (before) before();
      failing::Arm(walk.at(), mode);
      const Result result = body();
      const bool fired = failing::Disarm();
      std::string wrong;
      if (!result.ok() && !(fired && result.no_memory())) {
        wrong = std::string(result.name) + ": " + result.message;
      } else if (after) {
        wrong = after(result);
      }
      ++tried;
      if (!wrong.empty() && ++bad <= 5) {
        std::fprintf(stderr, "%s, allocation %lld %s: %s\n", what,
                     static_cast<long long>(walk.at()), Word(mode), wrong.c_str());
      }
      if (!fired) break;
    }
    std::fprintf(stderr, "%s, %s: %lld points, %lld allocations, %d wrong\n", what, Word(mode),
                 static_cast<long long>(tried), static_cast<long long>(failing::Count()), bad);
    ++(bad == 0 ? passed : failed);
  }
}

// One request on an engine that stays. A success must say what it always says.
void EachAllocationOf(selftune_engine_t* engine, const std::string& request, Points points = {}) {
  const std::string first = MustAsk(engine, request);
  const bool steady = first == MustAsk(engine, request);
  std::string reply;
  EachAllocation(
      request.c_str(), points, nullptr, [&] { return Ask(engine, request, &reply); },
      [&](const Result& result) -> std::string {
        if (steady && result.ok() && reply != first) return "another answer: " + reply;
        return {};
      });
  if (steady && MustAsk(engine, request) != first) {
    std::fprintf(stderr, "%s: another answer afterwards\n", request.c_str());
    ++failed;
  }
}

void Opening(const Place& place) {
  selftune_engine_t* engine = nullptr;
  EachAllocation(
      "open and close", {}, [&] { engine = nullptr; },
      [&] {
        const Result result = Open(place, &engine);
        selftune_close(engine);
        return result;
      },
      nullptr);
  EachAllocation(
      "open and ask the store", {}, nullptr,
      [&] {
        selftune_engine_t* fresh = nullptr;
        Result result = Open(place, &fresh);
        if (result.ok()) result = Ask(fresh, R"({"op":"store.info"})", nullptr);
        selftune_close(fresh);
        return result;
      },
      nullptr);
}

// An error is told as itself or as missing memory, never as something else.
void Errors(selftune_engine_t* engine) {
  struct Case {
    const char* request;
    const char* name;
  };
  for (const Case& c :
       {Case{"{", "INVALID_REQUEST"}, Case{R"({"op":"no.such"})", "UNKNOWN_OPERATION"},
        Case{R"({"op":"skill.report","params":{"skill":"no-such"}})", "SKILL_NOT_FOUND"},
        Case{R"({"op":"store.query","params":{"sql":"DELETE FROM sessions"}})", "QUERY_REFUSED"}}) {
    EachAllocation(
        c.request, {}, nullptr,
        [&] {
          Result result = Ask(engine, c.request, nullptr);
          if (std::strcmp(result.name, c.name) == 0) result = {};
          return result;
        },
        nullptr);
  }
}

Result RunJob(selftune_engine_t* engine, const char* request) {
  selftune_job_t* job = nullptr;
  selftune_buf_t reply = SELFTUNE_BUF_INIT;
  selftune_error_t* error = nullptr;
  selftune_code_t code = selftune_start(engine, selftune_str(request), nullptr, &job, &error);
  if (code == SELFTUNE_OK) code = selftune_job_wait(job, -1, &reply, &error);
  selftune_buf_free(&reply);
  selftune_job_release(job);
  return Take(code, error);
}

void Jobs(const Place& place) {
  for (const char* request :
       {R"({"op":"status.get"})", R"({"op":"store.info","deadline_ms":60000})"}) {
    selftune_engine_t* engine = nullptr;
    EachAllocation((std::string("job ") + request).c_str(), {.dense = 200, .spread = 30},
                   [&] { engine = MustOpen(place); },
                   [&] {
                     const Result result = RunJob(engine, request);
                     return result;
                   },
                   [&](const Result&) -> std::string {
                     const Result again = RunJob(engine, request);
                     selftune_close(engine);
                     return again.ok() ? "" : std::string("the next job: ") + again.message;
                   });
  }
}

void Subscriptions(const Place& place) {
  selftune_engine_t* engine = MustOpen(place);
  EachAllocation(
      "subscribe", {}, nullptr,
      [&] {
        selftune_sub_t* sub = nullptr;
        selftune_error_t* error = nullptr;
        const selftune_code_t code = selftune_subscribe(
            engine, SELFTUNE_TOPIC_ALL, [](void*, int64_t, uint32_t) {}, nullptr, &sub, &error);
        selftune_unsubscribe(sub);
        return Take(code, error);
      },
      nullptr);
  selftune_close(engine);
}

// Reads a stream to its end. An error of the stream is ENOMEM or nothing.
Result Drain(ArrowArrayStream* stream, int64_t* rows) {
  Result out;
  int code = 0;
  while (code == 0) {
    ArrowArray batch = {};
    code = stream->get_next(stream, &batch);
    if (code != 0 || batch.release == nullptr) break;
    *rows += batch.length;
    batch.release(&batch);
  }
  if (code == ENOMEM) return NoMemory();
  if (code != 0) {
    out.code = SELFTUNE_E_INTERNAL;
    const char* const said = stream->get_last_error(stream);
    std::snprintf(out.message, sizeof out.message, "%d %s", code, said == nullptr ? "" : said);
  }
  return out;
}

void Exports(selftune_engine_t* engine) {
  static const char kRequest[] = R"({"dataset":"prompts"})";
  int64_t rows = 0;
  const auto body = [&] {
    rows = 0;
    ArrowArrayStream stream = {};
    selftune_error_t* error = nullptr;
    const selftune_code_t code =
        selftune_export_arrow(engine, selftune_str(kRequest), &stream, &error);
    if (code != SELFTUNE_OK) return Take(code, error);
    ArrowSchema schema = {};
    const int said = stream.get_schema(&stream, &schema);
    if (schema.release != nullptr) schema.release(&schema);
    const Result result = Drain(&stream, &rows);
    stream.release(&stream);
    return result.ok() && said == ENOMEM ? NoMemory() : result;
  };
  if (!body().ok()) std::exit(1);
  const int64_t want = rows;
  EachAllocation("export", {.dense = 200, .spread = 30}, nullptr, body,
                 [&](const Result& result) -> std::string {
                   return result.ok() && rows != want ? "rows are missing" : "";
                 });
}

// The host is never disturbed: nothing to print, exit 0.
void Hooks(const Place& place) {
  static const char kPayload[] =
      R"({"session_id":"s","hook_event_name":"UserPromptSubmit","prompt":"hello"})";
  const std::string state = "SELFTUNE_HOME=" + place.state;
  const char* const env[] = {state.c_str(), "SELFTUNE_INTERNAL=", nullptr};
  selftune_hook_options_t options = SELFTUNE_HOOK_OPTIONS_INIT;
  options.env = env;
  options.now_ms = FixedClock;
  bool disturbed = false;
  EachAllocation(
      "hook", {}, nullptr,
      [&] {
        selftune_buf_t reply = SELFTUNE_BUF_INIT;
        selftune_error_t* error = nullptr;
        int32_t exit_code = 1;
        const selftune_code_t code =
            selftune_hook_handle(&options, selftune_str("claude-code"), selftune_str("prompt-log"),
                                 selftune_str(kPayload), &reply, &exit_code, &error);
        disturbed = exit_code != 0 || reply.size != 0;
        selftune_buf_free(&reply);
        return Take(code, error);
      },
      [&](const Result&) -> std::string { return disturbed ? "the host is disturbed" : ""; });
}

void Reads(selftune_engine_t* engine, const std::string& skill) {
  const std::string name = R"("skill":")" + skill + '"';
  for (
      const std::string& request : {
          std::string(R"({"op":"about.version"})"),
          std::string(R"({"op":"schema.list"})"),
          std::string(R"({"op":"status.get"})"),
          // Not "disk": what is free there is somebody else's answer.
          std::string(R"({"op":"doctor.run","params":{"only":"*.*"}})"),
          std::string(R"({"op":"skill.list"})"),
          R"({"op":"skill.report","params":{)" + name + "}}",
          R"({"op":"skill.misses","params":{)" + name + "}}",
          R"({"op":"skill.why","params":{)" + name + "}}",
          R"({"op":"skill.daily","params":{)" + name + "}}",
          std::string(R"({"op":"session.list","params":{"limit":5}})"),
          std::string(R"({"op":"session.last"})"),
          std::string(R"({"op":"signals.list","params":{"limit":5}})"),
          std::string(R"({"op":"source.list","params":{"limit":5}})"),
          R"({"op":"evolve.plan","params":{)" + name + "}}",
          std::string(R"({"op":"watch.status"})"),
          std::string(
              R"({"op":"store.query","params":{"sql":"SELECT prompt_text FROM prompts LIMIT 50"}})"),
          std::string(
              R"({"op":"signals.detect","params":{"prompt":"use the pdf skill next time","skills":["pdf"]}})"),
      }) {
    EachAllocationOf(engine, request, {.dense = 120, .spread = 25});
  }
  // Whoever searches the disk notes what cannot be read and goes on, but not from this.
  EachAllocationOf(engine, R"({"op":"skill.budget"})", {.dense = 100'000, .spread = 1});
}

constexpr char kDigest[] =
    R"({"op":"store.query","params":{"sql":"SELECT (SELECT count(*) FROM sessions) AS s,)"
    R"( (SELECT count(*) FROM prompts) AS p, (SELECT count(*) FROM skill_invocations) AS i,)"
    R"( (SELECT sum(length(prompt_text)) FROM prompts) AS t"}})";

std::string DataOf(const std::string& reply) {
  const size_t begin = reply.find("\"data\":");
  return begin == std::string::npos ? reply
                                    : reply.substr(begin, reply.find(",\"warnings\"") - begin);
}

// What the store holds, once its checks found nothing wrong.
std::string Digest(selftune_engine_t* engine) {
  const std::string check = MustAsk(engine, R"({"op":"store.check"})");
  if (check.find("\"ok\":true") == std::string::npos) return "damaged: " + check;
  const std::string bad = MustAsk(engine, R"({"op":"source.bad_lines"})");
  if (bad.find("\"items\":[]") == std::string::npos) return "lines were lost: " + bad;
  return DataOf(MustAsk(engine, kDigest));
}

// A sync that runs out of memory has read nothing wrong: the next one completes
// it, and the store is the same as if nothing had happened.
void Syncs(const Place& place, bool new_store, Points points) {
  const std::string store = place.state + "/selftune.db";
  const auto fresh = [&] {
    fs::remove_all(place.state);
    selftune_engine_t* const engine = MustOpen(place);
    if (!new_store) MustAsk(engine, R"({"op":"sync.run","params":{"only":["codex"]}})");
    return engine;
  };
  selftune_engine_t* engine = fresh();
  MustAsk(engine, R"({"op":"sync.run"})");
  const std::string want = Digest(engine);
  EachAllocation(
      new_store ? "sync into a new store" : "sync", points,
      [&] {
        selftune_close(engine);
        engine = fresh();
      },
      [&] { return Ask(engine, R"({"op":"sync.run"})", nullptr); },
      [&](const Result&) -> std::string {
        MustAsk(engine, R"({"op":"sync.run"})");
        const std::string have = Digest(engine);
        return have == want ? "" : have + " instead of " + want;
      });
  selftune_close(engine);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 64;
  failing::Install();
  const Place full{argv[2], ""};
  const Place small{argv[1], std::string(argv[4]) + "/state"};

  selftune_engine_t* engine = MustOpen(full);
  MustAsk(engine, R"({"op":"sync.run"})");
  const std::string want = Digest(engine);
  Opening(full);
  Errors(engine);
  Jobs(full);
  Subscriptions(full);
  Exports(engine);
  Hooks({small.home, std::string(argv[4]) + "/hooks"});
  Reads(engine, argv[3]);
  if (Digest(engine) != want) {
    std::fprintf(stderr, "the store changed\n");
    ++failed;
  }
  selftune_close(engine);
  Syncs(small, /*new_store=*/true, {.dense = 40, .spread = 12});
  Syncs(small, /*new_store=*/false, {.dense = 80, .spread = 25});
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
