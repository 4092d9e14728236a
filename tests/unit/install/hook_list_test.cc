#include "install/hook_list.h"

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "hooks/hosts.h"
#include "install/target.h"
#include "support/rounds.h"
#include "unit/install/random_settings.h"

namespace selftune::install {
namespace {

using base::JsonValue;

constexpr uint64_t kSeeds = selftune::testing::Rounds(1000);

std::vector<WantedHook> Wanted(std::string_view shim = "/opt/selftune-hook") {
  return GroupsOf(*hooks::FindHost("claude"), std::string(shim));
}

HookEdit In(const std::string& text, const HookFileRules& rules = {},
            std::string_view shim = "/opt/selftune-hook") {
  auto edit = WithHooks(text, Wanted(shim), rules, "settings.json");
  REQUIRE_MESSAGE(edit.ok(), text);
  return *std::move(edit);
}

HookEdit Out(const std::string& text, const std::vector<std::string>* made = nullptr,
             const HookFileRules& rules = {}) {
  auto edit = WithoutHooks(text, rules, made, "settings.json");
  REQUIRE_MESSAGE(edit.ok(), text);
  return *std::move(edit);
}

std::vector<FoundHook> Foreign(const std::string& text, const HookFileRules& rules = {}) {
  auto found = FindHooks(text, rules, "settings.json");
  REQUIRE(found.ok());
  std::erase_if(*found, [](const FoundHook& hook) { return hook.ours; });
  return *std::move(found);
}

bool SamePlaces(const std::vector<FoundHook>& a, const std::vector<FoundHook>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const FoundHook& x, const FoundHook& y) {
                      return x.event == y.event && x.command == y.command && x.group == y.group &&
                             x.handler == y.handler;
                    });
}

TEST_SUITE("install/hook_list") {
  TEST_CASE("put in and taken out again, any settings are what they were, byte for byte") {
    for (const bool comments : {false, true}) {
      const HookFileRules rules{.dialect = comments ? JsonDialect::kComments : JsonDialect::kPlain};
      for (uint64_t seed = 0; seed < kSeeds; ++seed) {
        CAPTURE(seed);
        const std::string text = testing::RandomSettings(seed, {.comments = comments}).Text();
        const HookEdit in = In(text, rules);
        CHECK(in.changed);
        const HookEdit again = In(in.text, rules);
        CHECK_FALSE(again.changed);
        CHECK(again.text == in.text);
        CHECK(SamePlaces(Foreign(text, rules), Foreign(in.text, rules)));
        CHECK(Out(in.text, &in.made, rules).text == text);
      }
    }
  }

  TEST_CASE("a newer program takes the place of the older one, and leaves as cleanly") {
    for (uint64_t seed = 0; seed < static_cast<uint64_t>(selftune::testing::Rounds(300)); ++seed) {
      CAPTURE(seed);
      const std::string text = testing::RandomSettings(seed, {}).Text();
      const HookEdit first = In(text, {}, "/old dir/selftune-hook");
      const HookEdit second = In(first.text, {}, "/new/selftune-hook");
      CHECK(second.updated == static_cast<int>(Wanted().size()));
      CHECK(second.added == 0);
      CHECK(SamePlaces(Foreign(text), Foreign(second.text)));
      CHECK(Out(second.text, &first.made).text == text);
    }
  }

  TEST_CASE("what others add meanwhile stays, and is all that stays") {
    const HookEdit in = In("{\n  \"model\": \"opus\"\n}\n");
    // Behind ours, in a group of its own.
    const WantedHook theirs{
        .event = "Stop",
        .group = JsonValue::Object({{"hooks", JsonValue::Array({JsonValue::Object(
                                                  {{"type", JsonValue::Text("command")},
                                                   {"command", JsonValue::Text("say done")}})})}})};
    const auto root = ParseJsonText(in.text, JsonDialect::kPlain, "x");
    REQUIRE(root.ok());
    const JsonNode& stop = root->Find("hooks")->value.Find("Stop")->value;
    const std::string more =
        AppendItem(in.text, stop, 2, StyleOf(in.text, *root), "", theirs.group);
    const HookEdit out = Out(more, &in.made);
    const std::vector<FoundHook> left = Foreign(out.text);
    REQUIRE(left.size() == 1);
    CHECK(left[0].command == "say done");
    CHECK(left[0].group == 0);
    const auto after = ParseJsonText(out.text, JsonDialect::kPlain, "x");
    REQUIRE(after.ok());
    CHECK(after->Find("hooks")->value.items.size() == 1);
    CHECK(ValueOf(out.text, *after)["model"].AsString() == "opus");
  }

  TEST_CASE("a handler of a person in the reference's group is kept") {
    const std::string text = R"({"hooks": {"PostToolUse": [{"matcher": "Read|Skill", "hooks": [
      {"type": "command", "command": "node /x/bin/run-hook.cjs /x/cli/selftune/hooks/skill-eval.ts"},
      {"type": "command", "command": "notify-send done"}]}]}})";
    const HookEdit in = In(text);
    CHECK(in.removed == 1);
    const std::vector<FoundHook> left = Foreign(in.text);
    REQUIRE(left.size() == 1);
    CHECK(left[0].command == "notify-send done");
    CHECK(Foreign(Out(in.text).text).size() == 1);
  }

  TEST_CASE("where hooks are known by their place, no foreign one ever moves") {
    const HookFileRules rules{.positional = true};
    for (uint64_t seed = 0; seed < kSeeds; ++seed) {
      CAPTURE(seed);
      const std::string text = testing::RandomSettings(seed, {}).Text();
      const HookEdit in = In(text, rules);
      CHECK(SamePlaces(Foreign(text, rules), Foreign(in.text, rules)));
      // Somebody approves a hook of theirs behind ours.
      const HookEdit theirs = [&] {
        std::vector<WantedHook> more = Wanted();
        const auto root = ParseJsonText(in.text, JsonDialect::kPlain, "x");
        REQUIRE(root.ok());
        const JsonNode& stop = root->Find("hooks")->value.Find("Stop")->value;
        HookEdit edit;
        edit.text = AppendItem(
            in.text, stop, 2, StyleOf(in.text, *root), "",
            JsonValue::Object({{"hooks", JsonValue::Array({JsonValue::Object(
                                             {{"type", JsonValue::Text("command")},
                                              {"command", JsonValue::Text("late")}})})}}));
        return edit;
      }();
      const std::vector<FoundHook> before = Foreign(theirs.text, rules);
      const HookEdit out = Out(theirs.text, &in.made, rules);
      CHECK(SamePlaces(before, Foreign(out.text, rules)));
      auto ours = FindHooks(out.text, rules, "x");
      REQUIRE(ours.ok());
      CHECK(std::none_of(ours->begin(), ours->end(), [](const auto& hook) { return hook.ours; }));
    }
  }

  TEST_CASE("our commands are known by the program, in any spelling") {
    CHECK(IsOurCommand("/usr/bin/selftune-hook claude"));
    CHECK(IsOurCommand("'/home/a b/selftune-hook' codex"));
    CHECK(IsOurCommand("\"/home/a b/selftune-hook\" codex"));
    CHECK(IsOurCommand("/home/a\\ b/selftune-hook codex"));
    CHECK(IsOurCommand("npx selftune hook prompt-log"));
    CHECK(IsOurCommand("npx -y selftune@latest codex hook"));
    CHECK(IsOurCommand("bun /x/cli/selftune/hooks/skill-eval.ts"));
    CHECK(IsOurCommand("node C:\\x\\bin\\run-hook.cjs C:\\x\\cli\\selftune\\hooks\\prompt-log.ts"));
    CHECK(IsOurCommand(
        "bash -c 'if [ -n \"$SELFTUNE_CLI_PATH\" ]; then exec \"$SELFTUNE_CLI_PATH\" codex hook; "
        "else exec npx -y selftune@latest codex hook; fi'"));
    for (const char* other :
         {"node /home/me/my-linter/bin/run-hook.cjs notify", "npx -y selftuner-sound hook",
          "cat /x/cli/selftune/hooks/README", "cat /x/cli/selftune/hooks/prompt-log.ts",
          "node /x/cli/selftune/hooks/mine.ts", "npx selftune status"}) {
      CAPTURE(other);
      CHECK_FALSE(IsOurCommand(other));
    }
    CHECK(IsOurCommand("timeout 5 /usr/bin/selftune-hook claude"));
    CHECK(IsOurCommand("A=1 env B=/x/y nice -n 5 /usr/bin/selftune-hook claude"));
    CHECK(ShimIn("timeout 5 '/a b/selftune-hook' claude") == "/a b/selftune-hook");
    CHECK_FALSE(IsOurCommand("/usr/bin/selftune-hooker claude"));
    CHECK_FALSE(IsOurCommand("echo selftune-hook"));
    CHECK_FALSE(IsOurCommand("my-wrapper /usr/bin/selftune-hook claude"));
    CHECK_FALSE(IsOurCommand(""));
  }

  TEST_CASE("settings that no list of hooks can be made of are refused") {
    for (const char* text : {"[]", "{\"hooks\": 1}", "{\"hooks\": {}, \"hooks\": {}}",
                             "{\"hooks\": {\"Stop\": [], \"Stop\": []}}",
                             "{\"hooks\": {\"Stop\": {}}}", "{,}", "nonsense"}) {
      CAPTURE(text);
      const auto edit = WithHooks(text, Wanted(), {}, "settings.json");
      REQUIRE_FALSE(edit.ok());
      CHECK(CodeOf(edit.status()).name == "SETTINGS_INVALID");
    }
  }

  TEST_CASE("an empty file becomes a document") {
    for (const char* text : {"", " \n"}) {
      const HookEdit in = In(text);
      CHECK(in.added == static_cast<int>(Wanted().size()));
      CHECK(Out(in.text, &in.made).text == "{}\n");
    }
  }
}

}  // namespace
}  // namespace selftune::install
