#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "llm/agent_argv.h"
#include "llm/agent_reply.h"

namespace selftune::llm {
namespace {

const FlagSet kClaudeFlags = {
    "--output-format",     "--no-session-persistence", "--tools", "--settings",
    "--strict-mcp-config", "--system-prompt",          "--model", "--effort",
    "--json-schema",       "--disable-slash-commands"};
const FlagSet kCodexFlags = {"--json",
                             "--ephemeral",
                             "--skip-git-repo-check",
                             "--sandbox",
                             "--disable",
                             "--config",
                             "--cd",
                             "--model",
                             "--output-schema",
                             "--output-last-message"};

LlmRequest Request() {
  LlmRequest request;
  request.system = "short";
  request.user = "[selftune:internal]\nbody";
  return request;
}

std::string Joined(const std::vector<std::string>& arguments) {
  std::string out;
  for (const std::string& argument : arguments) out += argument + " ";
  return out;
}

base::ProcessResult Result(int exit_code, std::string out, std::string err = "") {
  base::ProcessResult result;
  result.exit_code = exit_code;
  result.stdout_text = std::move(out);
  result.stderr_text = std::move(err);
  return result;
}

}  // namespace

TEST_SUITE("llm/agent_argv") {
  TEST_CASE("claude is asked without tools, hooks, session or prompt in its arguments") {
    const auto got = BuildArguments(Agent::kClaude, Request(), kClaudeFlags, {});
    REQUIRE(got.ok());
    CHECK(*got == std::vector<std::string>{
                      "-p", "--output-format", "json", "--no-session-persistence", "--tools", "",
                      "--settings", R"({"disableAllHooks":true})", "--strict-mcp-config",
                      "--disable-slash-commands", "--system-prompt", "short", "--model", "sonnet"});
  }

  TEST_CASE("codex runs in an empty folder, read-only, and answers into a file") {
    LlmRequest request = Request();
    request.effort = "low";
    const auto got = BuildArguments(Agent::kCodex, request, kCodexFlags,
                                    {.directory = "/d", .schema_file = "/s", .reply_file = "/r"});
    REQUIRE(got.ok());
    CHECK(Joined(*got) ==
          "exec --json --ephemeral --skip-git-repo-check --sandbox read-only --disable hooks "
          "--config skills.include_instructions=false --config project_doc_max_bytes=0 --cd /d "
          "--config model_reasoning_effort=\"low\" --output-schema /s --output-last-message /r - ");
  }

  TEST_CASE("no line ever skips permissions or carries the prompt") {
    for (const Agent agent : AllAgents()) {
      LlmRequest request = Request();
      request.model = "m";
      request.effort = "max";
      request.json_schema = "{}";
      const auto got =
          BuildArguments(agent, request, agent == Agent::kClaude ? kClaudeFlags : kCodexFlags,
                         {.directory = "/d", .schema_file = "/s", .reply_file = "/r"});
      REQUIRE(got.ok());
      const std::string line = Joined(*got);
      for (const char* word : {"dangerous", "bypass", "yolo", "full-auto", "selftune:internal"}) {
        CHECK(line.find(word) == std::string::npos);
      }
    }
  }

  TEST_CASE("a model or an effort cannot be taken for a flag") {
    for (const char* word : {"--dangerously-skip-permissions", "-x", "", "a b", "a\nb"}) {
      LlmRequest request = Request();
      request.model = word;
      CHECK(CodeOf(BuildArguments(Agent::kClaude, request, kClaudeFlags, {}).status()).name ==
            "INVALID_REQUEST");
      request.model.reset();
      request.effort = word;
      CHECK(CodeOf(BuildArguments(Agent::kCodex, request, kCodexFlags, {}).status()).name ==
            "INVALID_REQUEST");
    }
    for (const char* name : {"opus", "claude-opus-4-5", "anthropic/claude-x", "sonnet[1m]",
                             "us.anthropic.claude-v1:0"}) {
      CHECK(IsModelName(name));
    }
  }

  TEST_CASE("a version without a flag that isolates the call is refused") {
    for (const std::string_view flag : {"--tools", "--no-session-persistence", "--settings"}) {
      FlagSet flags = kClaudeFlags;
      flags.erase(std::string(flag));
      const auto got = BuildArguments(Agent::kClaude, Request(), flags, {});
      CHECK(CodeOf(got.status()).name == "AGENT_UNSAFE");
      CHECK(NextCommand(got.status()) == "selftune doctor");
    }
    FlagSet flags = kClaudeFlags;
    flags.erase("--strict-mcp-config");  // only a comfort
    CHECK(BuildArguments(Agent::kClaude, Request(), flags, {}).ok());
  }

  TEST_CASE("flags are read out of a help text") {
    const FlagSet flags = FlagsInHelp(
        "  -p, --print   Print\n  --json-schema <s>  [--cd DIR]\n"
        "a-- not--one ---\n");
    const bool same = flags == FlagSet{"--print", "--json-schema", "--cd"};
    CHECK(same);
  }

  TEST_CASE("the child sees what it needs and the marker, and no foreign keys") {
    base::Environment env;
    for (const char* name : {"PATH", "HOME", "ANTHROPIC_API_KEY", "CLAUDECODE", "GITHUB_TOKEN",
                             "AWS_SECRET_ACCESS_KEY", "LC_ALL"}) {
      env.Set(name, "x");
    }
    const auto child = ChildEnvironment(Agent::kClaude, env);
    CHECK(child.contains("ANTHROPIC_API_KEY"));
    CHECK(child.contains("LC_ALL"));
    CHECK(child.at("SELFTUNE_INTERNAL") == "1");
    for (const char* name : {"CLAUDECODE", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY"}) {
      CAPTURE(name);
      CHECK(!child.contains(name));
    }
  }

  TEST_CASE("names of agents") {
    CHECK(*ParseAgent("claude") == Agent::kClaude);
    CHECK(*ParseAgent("claude-code") == Agent::kClaude);
    CHECK(*ParseAgent("Codex") == Agent::kCodex);
    CHECK(CodeOf(ParseAgent("gemini").status()).name == "UNSUPPORTED_TYPE");
    CHECK(CodeOf(ParseAgent("nobody").status()).name == "INVALID_FLAG");
  }
}

TEST_SUITE("llm/agent_reply") {
  TEST_CASE("claude's answer with what it cost") {
    const auto got = ReadAgentReply(
        Agent::kClaude,
        Result(0, R"({"type":"result","subtype":"success","is_error":false,"result":"hi",)"
                  R"("usage":{"input_tokens":7,"output_tokens":2},"modelUsage":{"opus":{}},)"
                  R"("total_cost_usd":0.0125})"),
        "");
    REQUIRE(got.ok());
    CHECK(got->text == "hi");
    CHECK(got->model == "opus");
    CHECK(got->usage.input_tokens == 7);
    CHECK(got->usage.cost_micro_usd == 12500);
  }

  TEST_CASE("of several models the one that wrote the answer is named") {
    const auto got = ReadAgentReply(
        Agent::kClaude,
        Result(0, R"({"type":"result","subtype":"success","is_error":false,"result":"hi",)"
                  R"("usage":{},"modelUsage":{"helper":{"outputTokens":9},)"
                  R"("opus":{"outputTokens":300},"other":{"outputTokens":1}}})"),
        "");
    REQUIRE(got.ok());
    CHECK(got->model == "opus");
  }

  TEST_CASE("figures that nobody can have used are not believed") {
    const auto got = ReadAgentReply(
        Agent::kClaude,
        Result(0, R"({"type":"result","subtype":"success","is_error":false,"result":"hi",)"
                  R"("usage":{"input_tokens":1e300,"output_tokens":-3,)"
                  R"("cache_read_input_tokens":"12"},"total_cost_usd":1e18})"),
        "");
    REQUIRE(got.ok());
    CHECK_FALSE(got->usage.input_tokens.has_value());
    CHECK_FALSE(got->usage.output_tokens.has_value());
    CHECK_FALSE(got->usage.cache_read_tokens.has_value());
    CHECK_FALSE(got->usage.cost_micro_usd.has_value());
  }

  TEST_CASE("codex's answer comes from its file") {
    const std::string events =
        R"({"type":"item.completed","item":{"type":"agent_message","text":"from the stream"}})"
        "\n"
        R"({"type":"turn.completed","usage":{"input_tokens":10,"cached_input_tokens":4,)"
        R"("output_tokens":3}})";
    const auto got = ReadAgentReply(Agent::kCodex, Result(0, events), "from the file");
    REQUIRE(got.ok());
    CHECK(got->text == "from the file");
    CHECK(got->usage.input_tokens == 6);
    CHECK(ReadAgentReply(Agent::kCodex, Result(0, events), "")->text == "from the stream");
  }

  TEST_CASE("failures are told apart") {
    struct Case {
      const char* code;
      Agent agent;
      base::ProcessResult result;
    };
    base::ProcessResult late = Result(-1, "");
    late.timed_out = true;
    base::ProcessResult cut = Result(0, R"({"subtype":"success","result":"hi"})");
    cut.stdout_cut = true;
    base::ProcessResult killed = Result(-1, "");
    killed.signal = 9;
    const Case cases[] = {
        {"INVALID_REPLY", Agent::kClaude, Result(0, "not JSON")},
        {"INVALID_REPLY", Agent::kClaude, Result(0, R"({"subtype":"success","result":7})")},
        {"INVALID_REPLY", Agent::kClaude,
         Result(0, R"({"is_error":"no","subtype":"success","result":"hi"})")},
        {"INVALID_REPLY", Agent::kClaude, cut},
        {"AUTH_MISSING", Agent::kClaude,
         Result(1, R"({"is_error":true,"subtype":"success","result":"Not logged in"})")},
        {"RATE_LIMITED", Agent::kClaude,
         Result(1, R"({"is_error":true,"subtype":"success","result":"x","api_error_status":429})")},
        {"CONTEXT_TOO_LONG", Agent::kClaude,
         Result(1, R"({"is_error":true,"subtype":"success","result":"Prompt is too long"})")},
        {"API_ERROR", Agent::kClaude,
         Result(0, R"({"is_error":true,"subtype":"success","result":"odd"})")},
        {"BACKEND_UNAVAILABLE", Agent::kClaude, killed},
        {"TIMEOUT", Agent::kClaude, late},
        {"API_ERROR", Agent::kCodex,
         Result(1, R"({"type":"turn.failed","error":{"message":"odd"}})")},
        {"INVALID_REPLY", Agent::kCodex, Result(0, "")},
    };
    for (const Case& c : cases) {
      CAPTURE(c.code);
      CHECK(CodeOf(ReadAgentReply(c.agent, c.result, "").status()).name == c.code);
    }
  }
}

}  // namespace selftune::llm
