// The readouts on recorded homes: what an engine answers after a sync, byte
// for byte. SELFTUNE_ACCEPT=1 writes the expectations anew.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/file.h"
#include "base/json_value.h"
#include "base/strings.h"
#include "capi/engine.h"
#include "support/temp_dir.h"
#include "support/test_files.h"

namespace selftune {
namespace {

using base::JsonValue;

constexpr int64_t kNow = 1'795'687'200'000;  // 2026-11-26T10:00:00Z

// A recorded home in a folder of its own, read once.
class Home {
 public:
  explicit Home(const std::string& host) {
    namespace fs = std::filesystem;
    const std::string from = testing::DataPath("hosts/" + host + "/home");
    std::error_code error;
    fs::copy(from, dir_ / "home", fs::copy_options::recursive | fs::copy_options::copy_symlinks,
             error);
    REQUIRE_MESSAGE(!error, error.message());
    capi::EngineOptions options;
    options.env.Set("HOME", dir_ / "home");
    options.env.Set("PATH", "/nowhere");
    options.now_ms = [] { return kNow; };
    auto engine = capi::Engine::Open(std::move(options));
    REQUIRE_MESSAGE(engine.ok(), engine.status().ToString());
    engine_ = *std::move(engine);
    (void)Ask("sync.run", "{}");
  }

  JsonValue Ask(std::string_view op, std::string_view params) {
    const auto text = engine_->Request(R"({"op":")" + std::string(op) + R"(","params":)" +
                                       std::string(params) + "}");
    REQUIRE_MESSAGE(text.ok(), text.status().ToString());
    auto reply = JsonValue::Parse(base::ReplaceAll(*text, dir_ / "home", "/home/dev"));
    REQUIRE_MESSAGE(reply.ok(), reply.status().ToString());
    return *std::move(reply);
  }

  // The code of a request that must fail.
  std::string Refusal(std::string_view op, std::string_view params) {
    const auto text = engine_->Request(R"({"op":")" + std::string(op) + R"(","params":)" +
                                       std::string(params) + "}");
    return text.ok() ? "OK" : std::string(CodeOf(text.status()).name);
  }

 private:
  testing::TempDir dir_;
  std::unique_ptr<capi::Engine> engine_;
};

// One line a member of the reply, so that a difference can be read.
std::string Lines(const JsonValue& value, const std::string& indent = "") {
  if (value.is_object() && !value.members().empty()) {
    std::string out = "{\n";
    for (size_t i = 0; i < value.members().size(); ++i) {
      const auto& [key, member] = value.members()[i];
      out += indent + "  " + JsonValue::Text(key).ToJson() + ": " + Lines(member, indent + "  ");
      out += i + 1 < value.members().size() ? ",\n" : "\n";
    }
    return out + indent + "}";
  }
  if (value.is_array() && !value.items().empty()) {
    const bool rows = value.items().front().is_object();
    std::string out = rows ? "[\n" : "[";
    for (size_t i = 0; i < value.items().size(); ++i) {
      if (rows) out += indent + "  ";
      out += Lines(value.items()[i], indent + "  ");
      if (i + 1 < value.items().size()) out += rows ? "," : ", ";
      if (rows) out += "\n";
    }
    return out + (rows ? indent + "]" : "]");
  }
  // The last digits are the compiler's.
  if (value.type() == JsonValue::Type::kDouble) return fmt::format("{:.6g}", value.AsDouble());
  return value.ToJson();
}

void Compare(const std::string& host, const std::string& name, const JsonValue& reply) {
  CHECK_MESSAGE(reply["ok"].AsBool(), reply["error"].ToJson());
  const std::string text = Lines(reply["data"]) + "\n";
  const std::string path = testing::DataPath("status/" + host + "/" + name + ".json");
  if (std::getenv("SELFTUNE_ACCEPT") != nullptr) {
    REQUIRE(base::MakeDirs(std::string(base::DirName(path)), 0755).ok());
    REQUIRE(base::WriteFileAtomic(path, text, 0644).ok());
    return;
  }
  const auto expected = base::ReadFile(path, 8 << 20);
  REQUIRE_MESSAGE(expected.ok(), expected.status().ToString());
  CAPTURE(path);
  CHECK(text == *expected);
}

struct Question {
  const char* name;
  const char* op;
  const char* params;
};

constexpr Question kQuestions[] = {
    {"status", "status.get", R"({})"},
    {"status-all", "status.get", R"({"window":"400d"})"},
    {"skills", "skill.list", R"({"limit":100})"},
    {"sessions", "session.list", R"({"limit":100})"},
    {"last", "session.last", R"({"n":3})"},
    {"evidence", "skill.observations", R"({"limit":200})"},
    {"misses", "skill.misses", R"({})"},
    {"signals", "signals.list", R"({})"},
    {"budget", "skill.budget", R"({"since":"2026-01-01"})"},
};

}  // namespace

TEST_SUITE("status/readouts") {
  TEST_CASE("replies on the recorded homes") {
    for (const char* host : {"claude-code", "codex"}) {
      Home home(host);
      for (const Question& question : kQuestions) {
        CAPTURE(host);
        CAPTURE(question.name);
        Compare(host, question.name, home.Ask(question.op, question.params));
      }
    }
  }

  TEST_CASE("figures of one readout are those of the others") {
    for (const char* host : {"claude-code", "codex"}) {
      CAPTURE(host);
      Home home(host);
      const JsonValue status = home.Ask("status.get", R"({"window":"4000d"})");
      const JsonValue list = home.Ask("skill.list", R"({"limit":1000})");
      for (const JsonValue& skill : status["data"]["skills"].items()) {
        const std::string& name = skill["name"].AsString();
        CAPTURE(name);
        const std::string quoted = JsonValue::Text(name).ToJson();
        const JsonValue report = home.Ask("skill.report", R"({"skill":)" + quoted + "}");
        const JsonValue rows = home.Ask(
            "skill.observations", R"({"limit":1000,"outcome":"triggered","skill":)" + quoted + "}");
        CHECK(skill["uses"].AsInt() == report["data"]["usage"]["triggered"].AsInt());
        CHECK(skill["uses"].AsInt() == static_cast<int64_t>(rows["data"]["items"].items().size()));
        CHECK(skill["trigger"]["hit"].AsInt() == report["data"]["trigger_rate"]["k"].AsInt());
        CHECK(skill["trigger"]["expected"].AsInt() == report["data"]["trigger_rate"]["n"].AsInt());
        const auto& items = list["data"]["items"].items();
        CHECK(std::any_of(items.begin(), items.end(), [&](const JsonValue& item) {
          return item["name"].AsString() == name &&
                 item["uses"].AsInt() == skill["uses_total"].AsInt();
        }));
      }
    }
  }

  TEST_CASE("a row of the list has the figures of its report, and days that add up") {
    for (const char* host : {"claude-code", "codex"}) {
      CAPTURE(host);
      Home home(host);
      int64_t used = 0;
      const JsonValue list = home.Ask("skill.list", R"({"limit":100})");
      for (const JsonValue& item : list["data"]["items"].items()) {
        const std::string& name = item["name"].AsString();
        CAPTURE(name);
        int64_t uses = 0, misses = 0;
        std::string last;
        for (const JsonValue& day : item["recent"]["days"].items()) {
          uses += day["uses"].AsInt();
          misses += day["misses"].AsInt();
          CHECK(day["day"].AsString() > last);
          last = day["day"].AsString();
        }
        CHECK(item["recent"]["uses"].AsInt() == uses);
        CHECK(item["recent"]["misses"].AsInt() == misses);
        used += uses;
        const JsonValue report = home.Ask(
            "skill.report", R"({"since":"30d","skill":)" + JsonValue::Text(name).ToJson() + "}");
        CHECK(report["data"]["usage"]["triggered"].AsInt() == uses);
        CHECK(report["data"]["trigger_rate"]["k"].AsInt() == item["trigger_rate"]["k"].AsInt());
        CHECK(report["data"]["trigger_rate"]["n"].AsInt() == item["trigger_rate"]["n"].AsInt());
      }
      CHECK(used > 0);
    }
  }

  TEST_CASE("every miss can be asked about, and the answer leads to its prompt") {
    for (const char* host : {"claude-code", "codex"}) {
      CAPTURE(host);
      Home home(host);
      const JsonValue misses = home.Ask("skill.misses", R"({"limit":1000})");
      for (const JsonValue& miss : misses["data"]["items"].items()) {
        const std::string id = miss["prompt_id"].AsString();
        CAPTURE(id);
        const std::string index = id.substr(id.rfind(":p") + 2);
        const JsonValue why = home.Ask(
            "skill.why", R"({"skill":)" + JsonValue::Text(miss["skill"].AsString()).ToJson() +
                             R"(,"session":)" +
                             JsonValue::Text(miss["session_id"].AsString()).ToJson() +
                             R"(,"prompt_index":)" + index + "}");
        CHECK_MESSAGE(why["ok"].AsBool(), why["error"].ToJson());
        CHECK(why["data"]["expected"].AsBool());
        const auto& evidence = why["data"]["evidence"].items();
        REQUIRE_FALSE(evidence.empty());
        CHECK(evidence[0]["check"].AsString() == "prompt");
        CHECK(evidence[0]["path"].is_string());
      }
    }
  }

  TEST_CASE("a session alone is asked about where the skill was missed last, else at its end") {
    Home home("claude-code");
    const JsonValue misses = home.Ask("skill.misses", R"({"limit":1000})");
    std::map<std::pair<std::string, std::string>, int64_t> last;  // session and skill
    for (const JsonValue& miss : misses["data"]["items"].items()) {
      const std::string id = miss["prompt_id"].AsString();
      const int64_t index = std::stoll(id.substr(id.rfind(":p") + 2));
      int64_t& newest = last[{miss["session_id"].AsString(), miss["skill"].AsString()}];
      newest = std::max(newest, index);
    }
    for (const auto& [key, index] : last) {
      const std::string asked = R"({"skill":)" + JsonValue::Text(key.second).ToJson() +
                                R"(,"session":)" + JsonValue::Text(key.first).ToJson();
      CHECK(
          home.Ask("skill.why", asked + "}")["data"].ToJson() ==
          home.Ask("skill.why", asked + R"(,"prompt_index":)" + std::to_string(index) + "}")["data"]
              .ToJson());
    }
    const JsonValue sessions = home.Ask("session.list", R"({"kind":"main","limit":5})");
    REQUIRE(!sessions["data"]["items"].items().empty());
    for (const JsonValue& session : sessions["data"]["items"].items()) {
      const JsonValue why = home.Ask(
          "skill.why", R"({"skill":"sql-helper","session":)" +
                           JsonValue::Text(session["session_id"].AsString()).ToJson() + "}");
      CHECK(why["data"]["evidence"].items().front()["check"].AsString() == "prompt");
    }
  }

  TEST_CASE("the budget of one skill is its line in the list of the host that cuts it") {
    Home home("claude-code");
    const JsonValue all = home.Ask("skill.budget", "{}")["data"];
    CHECK(all["skill"].is_null());
    REQUIRE(all["skills"].items().size() > 1);
    const JsonValue one = home.Ask("skill.budget", R"({"skill":"SQL-helper"})")["data"];
    REQUIRE(one["skills"].items().size() == 1);
    CHECK(one["skills"].items().front()["name"].AsString() == "sql-helper");
    CHECK(one["listing_chars"].AsInt() == all["listing_chars"].AsInt());
    CHECK(home.Refusal("skill.budget", R"({"skill":"nope"})") == "SKILL_NOT_FOUND");
  }

  TEST_CASE("questions that make no sense are refused") {
    Home home("claude-code");
    CHECK(home.Refusal("skill.why", R"({"skill":"nope"})") == "SKILL_NOT_FOUND");
    CHECK(home.Refusal("skill.why", R"({"skill":"sql-helper","prompt":" "})") == "INVALID_REQUEST");
    CHECK(home.Refusal("skill.why", R"({"skill":"sql-helper","prompt_index":1})") ==
          "INVALID_REQUEST");
    CHECK(home.Refusal("skill.why", R"({"skill":"sql-helper","session":"x","prompt_index":1})") ==
          "SESSION_NOT_FOUND");
    CHECK(home.Refusal("skill.report", R"({"skill":"sql-helper","skill_path":"/x"})") ==
          "SKILL_NOT_FOUND");
    CHECK(home.Refusal("session.last", R"({"session":"x"})") == "SESSION_NOT_FOUND");
    CHECK(home.Refusal("session.timeline", R"({"session":"x"})") == "SESSION_NOT_FOUND");
    CHECK(home.Refusal("status.get", R"({"window":"soon"})") == "INVALID_REQUEST");
    CHECK(home.Refusal("proposal.show", R"({"proposal_id":"x"})") == "NOT_FOUND");
    CHECK(home.Refusal("orchestrate.runs", R"({"run_id":"x"})") == "NOT_FOUND");
    CHECK(home.Refusal("skill.list", R"({"cursor":"-1"})") == "INVALID_REQUEST");
    CHECK(
        home.Refusal("store.export", R"({"dir":"/nowhere/x","tables":["nope"],"dry_run":true})") ==
        "INVALID_REQUEST");
  }

  TEST_CASE("a session in order: what was typed, what was offered, what ran") {
    for (const char* host : {"claude-code", "codex"}) {
      CAPTURE(host);
      Home home(host);
      const JsonValue sessions = home.Ask("session.list", R"({"limit":1000})");
      for (const JsonValue& session : sessions["data"]["items"].items()) {
        const std::string id = JsonValue::Text(session["session_id"].AsString()).ToJson();
        CAPTURE(id);
        const JsonValue timeline = home.Ask("session.timeline", R"({"session":)" + id + "}");
        REQUIRE(timeline["ok"].AsBool());
        int64_t last = -1;
        std::string path;
        for (const JsonValue& entry : timeline["data"]["entries"].items()) {
          const JsonValue& source = entry["source"];
          if (!source["offset"].is_int()) continue;
          if (source["path"].AsString() != path) last = -1;
          path = source["path"].AsString();
          CHECK(source["offset"].AsInt() >= last);
          last = source["offset"].AsInt();
        }
      }
    }
  }

  TEST_CASE("an export holds every table, and its manifest says how much") {
    Home home("claude-code");
    testing::TempDir out;
    for (const char* format : {"jsonl", "sqlite"}) {
      CAPTURE(format);
      const std::string params = R"({"dir":)" + JsonValue::Text(out / format).ToJson() +
                                 R"(,"format":")" + format + R"("})";
      const std::string dry = params.substr(0, params.size() - 1) + R"(,"dry_run":true})";
      const JsonValue plan = home.Ask("store.export", dry);
      CHECK(plan["ok"].AsBool());
      CHECK_FALSE(plan["changed"].AsBool());
      CHECK_FALSE(base::Exists(out / format));
      const JsonValue reply = home.Ask("store.export", params);
      REQUIRE_MESSAGE(reply["ok"].AsBool(), reply["error"].ToJson());
      CHECK(reply["changed"].AsBool());
      const auto& files = reply["data"]["files"].items();
      REQUIRE(files.size() == plan["data"]["files"].items().size());
      for (size_t i = 0; i < files.size(); ++i) {
        CHECK(files[i]["rows"] == plan["data"]["files"].items()[i]["rows"]);
        CHECK(base::Exists(files[i]["path"].AsString()));
        if (std::string_view(format) == "jsonl") {
          const auto text = base::ReadFile(files[i]["path"].AsString(), 256 << 20);
          REQUIRE(text.ok());
          CHECK(std::count(text->begin(), text->end(), '\n') == files[i]["rows"].AsInt());
        }
      }
      CHECK(home.Refusal("store.export", params) == "FILE_EXISTS");
    }
  }
}

}  // namespace selftune
