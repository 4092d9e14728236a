// Sessions whose records lie in several files.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "support/zstd_frame.h"
#include "unit/sync/sync_fixture.h"

namespace selftune::sync {
namespace {

using testing::kArchive;
using testing::kLong;
using testing::kResumed;
using testing::Must;
using testing::Name;
using testing::SyncHome;

// Behind the line that holds the middle.
size_t Middle(std::string_view text, size_t part = 1, size_t of = 2) {
  return text.find('\n', text.size() * part / of) + 1;
}

// Facts without their places, which differ when the text lies in two files.
std::vector<std::string> Said(SyncHome& home) {
  std::vector<std::string> out;
  for (const char* sql :
       {"SELECT session_id||' '||prompt_index||' '||prompt_text||' '||occurred_at FROM prompts "
        "ORDER BY session_id, prompt_index",
        "SELECT session_id||' '||skill_name||' '||outcome||' '||route||' '||query FROM "
        "skill_invocations ORDER BY session_id, occurred_at",
        "SELECT session_id||' '||name||' '||calls||' '||errors||' '||nonzero_exits||' '||"
        "unfinished FROM tool_calls ORDER BY 1",
        "SELECT session_id||' '||coalesce(assistant_turns,'-')||' '||coalesce(input_tokens,'-')||"
        "' '||coalesce(output_tokens,'-')||' '||errors_encountered FROM execution_facts ORDER BY "
        "session_id",
        "SELECT session_id||' '||started_at||' '||ended_at||' '||completion_status FROM sessions "
        "ORDER BY session_id",
        "SELECT session_id||' '||skill_name||' '||state FROM exposures ORDER BY session_id, "
        "skill_name"}) {
    for (std::string& row : home.Rows(sql, 1)) out.push_back(std::move(row));
  }
  return out;
}

std::vector<std::string> Whole(std::string_view name, const std::string& text) {
  SyncHome home;
  home.Write(name, text);
  home.Sync();
  return Said(home);
}

// A conversation of Claude Code.
std::string ClaudeText(int prompts, int from = 0, std::string_view cwd = "/home/dev/a") {
  std::string out;
  for (int i = from; i < from + prompts; ++i) {
    const std::string n = std::to_string(i);
    const std::string tail = R"(,"sessionId":"11111111-2222-4333-8444-555555555555","cwd":")" +
                             std::string(cwd) + R"(","version":"2.1.330","timestamp":"2026-11-2)" +
                             std::to_string(i % 10) + "T10:00:0";
    out += R"({"type":"user","uuid":"u)" + n + R"(","parentUuid":)" +
           (i == 0 ? "null" : "\"a" + std::to_string(i - 1) + "\"") +
           R"(,"isSidechain":false,"promptId":"p)" + n +
           R"(","origin":{"kind":"human"},"message":{"role":"user","content":"question )" + n +
           "\"}" + tail + "0.000Z\"}\n";
    out += R"({"type":"assistant","uuid":"a)" + n + R"(","parentUuid":"u)" + n +
           R"(","isSidechain":false,"requestId":"r)" + n + R"(","message":{"id":"m)" + n +
           R"(","type":"message","role":"assistant","model":"claude-opus-5-5","content":[)"
           R"({"type":"text","text":"Done."}],"usage":{"input_tokens":10,"output_tokens":7}})" +
           tail + "1.000Z\"}\n";
  }
  return out;
}

constexpr std::string_view kHere =
    ".claude/projects/-home-dev-b/11111111-2222-4333-8444-555555555555.jsonl";
constexpr std::string_view kThere =
    ".claude/projects/-home-dev-a/11111111-2222-4333-8444-555555555555.jsonl";

}  // namespace

TEST_SUITE("sync/joined") {
  TEST_CASE("a copy that went on elsewhere adds what is new in it") {
    const std::string text = SyncHome::Recording(kLong);
    const auto whole = Whole(Name("x"), text);
    for (const bool at_once : {true, false}) {
      for (const bool copy_first : {true, false}) {
        CAPTURE(at_once);
        CAPTURE(copy_first);
        SyncHome home;
        const std::string copy =
            Name("x", copy_first ? kArchive : std::string_view(".codex/sessions/z/"));
        home.Write(Name("x"), text.substr(0, Middle(text)));
        if (!at_once) home.Sync();
        home.Write(copy, text);
        const HostReport report = home.SyncCodex();
        CHECK(report.set_aside == 0);
        CHECK(report.warnings.empty());
        CHECK(Said(home) == whole);
        CHECK(home.SyncCodex().changed == 0);
        CHECK(home.One("SELECT count(*) FROM source_files WHERE state='active'") == "2");
        // An old copy says nothing new when all is read again.
        home.SyncCodex({.force = true});
        CHECK(Said(home) == whole);
        CHECK(home.SyncCodex().changed == 0);
      }
    }
  }

  TEST_CASE("a session that goes on in another folder is one session") {
    const auto whole = Whole(kHere, ClaudeText(6));
    for (const bool copies : {true, false}) {
      CAPTURE(copies);
      SyncHome home;
      home.Write(kThere, ClaudeText(3));
      home.Sync();
      home.Write(kHere, copies ? ClaudeText(5) : ClaudeText(2, 3));
      home.Sync();
      CHECK(home.One("SELECT count(*) FROM prompts") == "5");
      // It grows where it is now; only that is read.
      home.claude.bytes = 0;
      home.Append(kHere, ClaudeText(1, 5));
      home.Sync();
      CHECK(home.claude.bytes == ClaudeText(1, 5).size());
      CHECK(Said(home) == whole);
      CHECK(home.Rows("SELECT prompt_index, prompt_text, source_path FROM prompts ORDER BY 1", 3)
                .back() == "5|question 5|" + home.Path(kHere));
      CHECK(home.One("SELECT source_path FROM prompts WHERE prompt_index=0") == home.Path(kThere));
    }
  }

  TEST_CASE("records that a file repeats in other bytes count once") {
    SyncHome home;
    home.Write(kThere, ClaudeText(3));
    // Copied with another folder in each record.
    home.Write(kHere, ClaudeText(5, 0, "/home/dev/b"));
    home.Sync();
    CHECK(home.One("SELECT count(*) FROM prompts") == "5");
    CHECK(home.One("SELECT output_tokens FROM execution_facts") == "35");
  }

  TEST_CASE("records that a file holds twice count once") {
    SyncHome home;
    home.Write(kHere, ClaudeText(2) + ClaudeText(2));
    home.Sync();
    CHECK(Said(home) == Whole(kHere, ClaudeText(2)));
    home.Append(kHere, ClaudeText(1, 1) + ClaudeText(1, 2));
    home.Sync();
    CHECK(Said(home) == Whole(kHere, ClaudeText(3)));
  }

  TEST_CASE("a reader state without bounds is not kept: the file is read from its start") {
    const std::string args(size_t{600} << 10, 'x');  // each is short enough to be kept
    const std::string call =
        R"({"type":"assistant","uuid":"c","parentUuid":"a0","isSidechain":false,"message":{"id":"mc",)"
        R"("type":"message","role":"assistant","model":"claude-opus-5-5","content":[{"type":"tool_use",)"
        R"("id":"toolu_1","name":"Skill","input":{"skill":"pdf","args":")" +
        args +
        R"("}},{"type":"tool_use","id":"toolu_2","name":"Skill","input":{"skill":"pdf","args":")" +
        args +
        R"("}}],"usage":{"input_tokens":1,"output_tokens":1}},"sessionId":"11111111-2222-4333-8444-)"
        R"(555555555555","cwd":"/w","version":"2.1.330","timestamp":"2026-11-20T10:00:02.000Z"})"
        "\n";
    SyncHome home;
    home.Write(kHere, ClaudeText(1) + call);
    home.Sync();
    CHECK(home.One("SELECT coalesce(length(parser_state),0) FROM source_file") == "0");
    CHECK(!home.Sync().changed);
    home.Append(kHere, ClaudeText(1, 1));
    home.Sync();
    CHECK(Said(home) == Whole(kHere, ClaudeText(1) + call + ClaudeText(1, 1)));
  }

  TEST_CASE("a middle that was written over gives its rows anew, and the old ones are gone") {
    const std::string text = ClaudeText(5);
    std::string other = text;
    other.replace(other.find("question 2"), 8, "QUESTION");
    SyncHome home;
    home.Write(kHere, text);
    home.Sync();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // a tick of the file system
    home.Rewrite(kHere, other, /*age_ms=*/1000);                 // its time is put back
    home.Sync();
    CHECK(Said(home) == Whole(kHere, other));
    CHECK(home.One("SELECT count(*) FROM prompts WHERE prompt_text='QUESTION 2'") == "1");
    CHECK(home.One("SELECT count(*) FROM prompts WHERE prompt_text='question 2'") == "0");
    CHECK(!home.Sync().changed);
  }

  TEST_CASE("files in a folder that cannot be read are not gone") {
    const std::string folder(base::DirName(kThere));
    SyncHome home;
    home.Write(kThere, ClaudeText(3));
    home.Sync();
    home.Move(folder, "away");
    std::filesystem::create_symlink("-home-dev-a",
                                    home.Path(folder));  // leads nowhere but to itself
    home.Sync();
    CHECK(home.One("SELECT state||' '||(last_error<>'') FROM source_files") == "active 1");
    CHECK(!home.Sync().changed);
    home.Remove(folder);
    home.Move("away", folder);
    home.claude.bytes = 0;
    home.Sync();
    CHECK(home.claude.bytes == 0);
    CHECK(home.One("SELECT count(*) FROM source_files WHERE last_error<>''") == "0");
    CHECK(Said(home) == Whole(kThere, ClaudeText(3)));
    CHECK(!home.Sync().changed);
  }

  TEST_CASE("two copies that parted keep what each has") {
    SyncHome home;
    home.Write(kThere, ClaudeText(3) + ClaudeText(1, 7));
    home.Write(kHere, ClaudeText(3) + ClaudeText(2, 8));
    home.Sync();
    CHECK(home.Rows("SELECT prompt_text FROM prompts ORDER BY prompt_index", 1) ==
          std::vector<std::string>{"question 0", "question 1", "question 2", "question 7",
                                   "question 8", "question 9"});
    // The earlier one grows: all is read again, each once.
    home.Append(kThere, ClaudeText(1, 6));
    home.Sync();
    CHECK(home.One("SELECT count(*)||' '||count(DISTINCT prompt_text) FROM prompts") == "7 7");
    CHECK(!home.Sync().changed);
  }

  TEST_CASE("order of arrival and cuts change nothing") {
    const std::string text = SyncHome::Recording(kResumed);
    const auto whole = Whole(Name("x"), text);
    for (const size_t cut : {size_t{100}, Middle(text), text.size() - 200}) {
      for (const bool early : {true, false}) {
        CAPTURE(cut);
        CAPTURE(early);
        SyncHome home;
        const std::string other = Name("x", kArchive);
        home.Write(early ? Name("x") : other, text.substr(0, cut));
        home.Sync();
        home.Write(early ? other : Name("x"), text.substr(0, std::max(cut, Middle(text))));
        home.Sync();
        home.Write(early ? other : Name("x"), text);
        home.Sync();
        CHECK(Said(home) == whole);
      }
    }
  }

  TEST_CASE("a file of several that changes its form is found again") {
    const std::string text = SyncHome::Recording(kLong);
    const auto whole = Whole(Name("x"), text);
    SyncHome home;
    home.Write(Name("x"), text.substr(0, Middle(text)));
    home.Write(Name("x", kArchive), text);
    home.Sync();
    CHECK(Said(home) == whole);
    home.Write(Name("x", kArchive) + ".zst", selftune::testing::ZstdFrame(text));
    home.Remove(Name("x", kArchive));
    const HostReport report = home.SyncCodex();
    CHECK(report.set_aside == 0);
    CHECK(Said(home) == whole);
    CHECK(home.SyncCodex().changed == 0);
  }

  TEST_CASE("nothing is forgotten while one of the files is gone") {
    SyncHome home;
    home.Write(kThere, ClaudeText(3));
    home.Write(kHere, ClaudeText(2, 3));
    home.Sync();
    home.Remove(kThere);
    home.Sync();
    CHECK(home.One("SELECT count(*) FROM prompts") == "5");
    home.Append(kHere, ClaudeText(1, 5));
    home.Sync();
    CHECK(home.One("SELECT count(*) FROM prompts") == "6");
    // It cannot be read again; what it gave stays, and the other is read behind it.
    const auto said = Said(home);
    const SyncReport forced = home.Sync({.force = true});
    CHECK(forced.hosts[0].set_aside == 0);
    CHECK(forced.hosts[0].warnings.empty());
    CHECK(Said(home) == said);
    ++home.claude.version_bump;  // to which the state of the one that is gone says nothing
    home.Sync();
    CHECK(Said(home) == said);
    home.Append(kHere, ClaudeText(1, 6));
    home.Sync();
    CHECK(Said(home) == Whole(kHere, ClaudeText(7)));
    CHECK(!home.Sync().changed);
    // It comes back: all is read again, each once.
    home.Write(kThere, ClaudeText(3));
    home.Sync({.force = true});
    CHECK(Said(home) == Whole(kHere, ClaudeText(7)));
  }

  TEST_CASE("a file that is gone keeps what it gave when another one follows at once") {
    for (const bool copy : {true, false}) {
      CAPTURE(copy);
      SyncHome home;
      home.Write(kThere, ClaudeText(4));
      home.Sync();
      home.Remove(kThere);
      home.Write(kHere, copy ? ClaudeText(2) : ClaudeText(2, 4));
      home.Sync();
      CHECK(Said(home) == Whole(kHere, ClaudeText(copy ? 4 : 6)));
      CHECK(!home.Sync().changed);
    }
  }

  TEST_CASE("a copy that holds all a file had goes on in its place") {
    SyncHome home;
    home.Write(kThere, ClaudeText(4));
    home.Sync();
    home.Remove(kThere);
    home.Write(kHere, ClaudeText(5));
    home.Sync();
    CHECK(Said(home) == Whole(kHere, ClaudeText(5)));
    CHECK(home.One("SELECT count(*) FROM prompts WHERE source_path LIKE '%-b/%'") == "5");
  }

  TEST_CASE("a file that cannot be read keeps its companion waiting, not lost") {
    SyncHome home;
    home.Write(kThere, ClaudeText(3));
    home.Sync();
    home.Write(kHere, ClaudeText(2, 3));
    home.claude.unreadable = "-home-dev-a/";
    const SyncReport report = home.Sync();
    CHECK(report.hosts[0].set_aside == 1);
    CHECK(home.One("SELECT state FROM source_files WHERE path LIKE '%-b/%'") == "quarantined");
    CHECK(home.One("SELECT count(*) FROM prompts") == "3");
    home.claude.unreadable.clear();
    CHECK(home.Sync().hosts[0].set_aside == 0);
    CHECK(home.One("SELECT count(*) FROM prompts") == "5");
    CHECK(home.One("SELECT count(*) FROM source_files WHERE state='active'") == "2");
  }
}

}  // namespace selftune::sync
