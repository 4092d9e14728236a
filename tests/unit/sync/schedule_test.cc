// Whatever happens to the files between two runs, the store holds what one run
// over all of them would find: each record once, and of files that are gone what
// was read of them.
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "support/rounds.h"
#include "unit/sync/sync_fixture.h"

namespace selftune::sync {
namespace {

using testing::Must;
using testing::SyncHome;

// A turn of a session: a prompt, a call, its result, an answer.
std::string Turn(int session, int turn) {
  const std::string id = fmt::format("{:08}-2222-4333-8444-555555555555", session);
  const auto line = [&](char part, char before, std::string_view rest) {
    const int other = before == 'a' ? turn - 1 : turn;
    return fmt::format(
        R"({{"uuid":"{0}{1}-{2}","parentUuid":{3},"isSidechain":false,"promptId":"p{2}",)"
        R"("sessionId":"{4}","cwd":"/w","version":"2.1.330","timestamp":"2026-08-{5:02}T10:{6:02}:0{7}.000Z",{8}}})"
        "\n",
        part, session, turn,
        other < 0 ? std::string("null") : fmt::format("\"{}{}-{}\"", before, session, other), id,
        1 + turn / 60, turn % 60,
        part == 'u'   ? 0
        : part == 'c' ? 1
        : part == 'r' ? 2
                      : 3,
        rest);
  };
  const std::string call = fmt::format("toolu_{}_{}", session, turn);
  const auto answer = [&](std::string_view message, std::string_view content) {
    return fmt::format(
        R"("type":"assistant","requestId":"q{0}","message":{{"id":"{1}{2}_{0}","type":"message",)"
        R"("role":"assistant","model":"claude-opus-5-5","content":[{3}],)"
        R"("usage":{{"input_tokens":3,"output_tokens":{4}}}}})",
        turn, message, session, content, 5 + turn % 4);
  };
  const std::string used = turn % 3 == 0 ? R"("name":"Skill","input":{"skill":"pdf"})"
                                         : R"("name":"Bash","input":{"command":"ls"})";
  return line('u', 'a',
              fmt::format(R"("type":"user","origin":{{"kind":"human"}},"message":{{"role":"user",)"
                          R"("content":"question {} of {}"}})",
                          turn, session)) +
         line('c', 'u',
              answer("mc", fmt::format(R"({{"type":"tool_use","id":"{}",{}}})", call, used))) +
         line('r', 'c',
              fmt::format(R"("type":"user","message":{{"role":"user","content":[{{"type":)"
                          R"("tool_result","tool_use_id":"{}","content":"ok"{}}}]}})",
                          call, turn % 5 == 4 ? R"(,"is_error":true)" : "")) +
         line('a', 'r', answer("ma", R"({"type":"text","text":"Done."})"));
}

// Without numbers and places, which depend on what was there when.
std::vector<std::string> Said(SyncHome& home) {
  std::vector<std::string> out;
  for (const char* sql :
       {"SELECT session_id||' '||prompt_text||' '||occurred_at||' '||is_actionable FROM prompts "
        "ORDER BY 1",
        "SELECT session_id||' '||skill_name||' '||outcome||' '||query||' '||occurred_at FROM "
        "skill_invocations ORDER BY 1",
        "SELECT session_id||' '||name||' '||calls||' '||errors||' '||unfinished FROM tool_calls "
        "ORDER BY 1",
        "SELECT session_id||' '||total_tool_calls||' '||assistant_turns||' '||input_tokens||' '||"
        "output_tokens||' '||errors_encountered FROM execution_facts ORDER BY 1",
        "SELECT session_id||' '||started_at||' '||ended_at FROM sessions ORDER BY 1"}) {
    for (std::string& row : home.Rows(sql, 1)) out.push_back(std::move(row));
  }
  return out;
}

// The files of one session, and what the store has to know of each.
class Files {
 public:
  Files(SyncHome& home, std::mt19937& random, int session)
      : home_(home), random_(random), session_(session) {
    Start("");
  }

  void Change() {
    const std::vector<std::string> there = Present();
    if (there.empty()) return Start("");
    const std::string& name = there[Pick(there.size())];
    File& file = files_[name];
    switch (Pick(8)) {
      case 0:
        return Start("");  // resumed elsewhere
      case 1:
        return Start(file.text);  // copied, and goes on there
      case 2:
        // One that was cut off may miss what only this one could tell.
        for (const auto& [other, one] : files_) {
          if (one.cut) return;
        }
        home_.Remove(name);
        file.gone = any_gone_ = true;
        return;
      case 3:
        return Rename(name);
      case 4:
        return Renew(name);
      case 5:
        return Cut(name);
      default:
        return Append(file, name);
    }
  }

  // A run has read all but those that could not be read.
  void Read() {
    for (auto& [name, file] : files_) {
      if (!file.gone) file.known = file.text;
      file.cut = false;
    }
  }

  void WriteKnown(SyncHome& other) const {
    for (const auto& [name, file] : files_) {
      if (!file.known.empty()) other.Write(name, file.known);
    }
  }

  [[nodiscard]] std::vector<std::string> Present() const {
    std::vector<std::string> out;
    for (const auto& [name, file] : files_) {
      if (!file.gone) out.push_back(name);
    }
    return out;
  }

 private:
  struct File {
    std::string text, known;
    bool gone = false;
    bool cut = false;  // since the last run
  };

  size_t Pick(size_t count) { return random_() % count; }

  std::string NewName() {
    return fmt::format(".claude/projects/-{}/{:08}-2222-4333-8444-555555555555.jsonl",
                       100 * session_ + ++folders_, session_);
  }

  void Start(const std::string& begin) {
    const std::string name = NewName();
    File& file = files_[name];
    file.text = begin + Turn(session_, turns_++);
    home_.Write(name, file.text);
  }

  void Append(File& file, const std::string& name) {
    std::string text = Turn(session_, turns_++);
    if (Pick(3) == 0) text += Turn(session_, turns_++);
    home_.Append(name, text);
    file.text += text;
  }

  void Rename(const std::string& name) {
    if (files_[name].cut) return;  // that would be another file
    const std::string to = NewName();
    home_.Move(name, to);
    files_[to] = files_[name];
    files_.erase(name);
  }

  // Another file with the same content, as editors and restores write.
  void Renew(const std::string& name) {
    home_.Write(name + ".new", files_[name].text);
    home_.Move(name + ".new", name);
  }

  // Cut off at a turn; perhaps it has grown again before anybody looks.
  void Cut(const std::string& name) {
    File& file = files_[name];
    // What a file that is gone left to this one to tell would be lost.
    if (any_gone_ || file.text.size() < 2 * Turn(session_, 0).size()) return;
    const size_t half = file.text.find("{\"uuid\":\"u", file.text.size() / 2);
    if (half == std::string::npos) return;
    file.text.resize(half);
    file.cut = true;
    std::filesystem::resize_file(home_.Path(name), half);
    for (size_t more = Pick(4); more > 0; --more) Append(file, name);
  }

  SyncHome& home_;
  std::mt19937& random_;
  int session_;
  int turns_ = 0, folders_ = 0;
  bool any_gone_ = false;
  std::map<std::string, File> files_;
};

// File systems tell time in ticks of some milliseconds: a file that is cut and grows
// to its former size within the tick it was read in looks as it did.
void AwaitTick(const SyncHome& home) {
  const auto now = [path = home.Path("tick")] {
    std::filesystem::remove(path);
    REQUIRE(base::WriteFileNew(path, "", 0600).ok());
    return base::Stat(path)->mtime_ns;
  };
  const int64_t begin = now();
  while (now() == begin) {
  }
}

void Play(unsigned seed) {
  CAPTURE(seed);
  std::mt19937 random(seed);
  SyncHome home;
  std::vector<Files> sessions;
  sessions.reserve(3);
  for (int i = 0; i < 3; ++i) sessions.emplace_back(home, random, i);
  for (int step = 0; step < 12; ++step) {
    CAPTURE(step);
    for (size_t changes = random() % 4; changes > 0; --changes) {
      sessions[random() % sessions.size()].Change();
    }
    if (random() % 3 == 0) {
      const std::vector<std::string> there = sessions[random() % sessions.size()].Present();
      if (!there.empty()) {
        home.claude.unreadable = there[random() % there.size()];
        home.Sync({.force = random() % 2 == 0});
        AwaitTick(home);
        home.claude.unreadable.clear();
        // A file that is gone now was perhaps not read: only what goes on counts.
      }
    }
    if (random() % 8 == 0) ++home.claude.version_bump;
    home.Sync({.force = random() % 6 == 0});
    AwaitTick(home);
    SyncHome scratch;
    for (Files& files : sessions) {
      files.Read();
      files.WriteKnown(scratch);
    }
    scratch.Sync();
    REQUIRE(Said(home) == Said(scratch));
    CAPTURE(
        home.One("SELECT group_concat(path||' '||state||' '||last_error,' ; ') FROM source_files "
                 "WHERE last_error<>''"));
    REQUIRE(home.One("SELECT count(*) FROM source_files WHERE last_error<>''") == "0");
  }
  REQUIRE(!home.Sync().changed);
}

}  // namespace

TEST_SUITE("sync/schedule") {
  TEST_CASE("whatever happens to files, each record counts once and none is lost") {
    for (int seed = 1; seed <= selftune::testing::Rounds(16); ++seed)
      Play(static_cast<unsigned>(seed));
  }
}

}  // namespace selftune::sync
