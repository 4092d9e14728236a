#include "sync/parallel_reader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/crypto.h"
#include "hosts/claude_code/source.h"
#include "support/temp_dir.h"
#include "sync/plan.h"
#include "unit/store/store_fixture.h"

namespace selftune::sync {
namespace {

using std::chrono::milliseconds;
using store::testing::Must;

// The last chunk of a file that is read to its end.
ReadChunk LastOf(const ReadTask& task) {
  ParallelReader reader(task, /*cancel=*/nullptr);
  for (;;) {
    ReadChunk chunk = reader.Next(0);
    REQUIRE(chunk.status.ok());
    if (chunk.last) return chunk;
  }
}

std::string PromptLine(int number, std::string_view text) {
  return fmt::format(
      R"({{"type":"user","uuid":"u{0}","sessionId":"s{0}","timestamp":"2026-01-01T00:00:00Z",)"
      R"("cwd":"/w","message":{{"role":"user","content":"{1}"}}}})"
      "\n",
      number, text);
}

// Transcripts of one prompt each, and how many of them a reader has begun.
struct Transcripts {
  const testing::TempDir dir;
  std::vector<ReadTask> tasks;
  std::atomic<size_t> begun = 0;

  void Add(std::string_view prompt) {
    const int number = static_cast<int>(tasks.size());
    const std::string text = PromptLine(number, prompt);
    ReadTask& task = tasks.emplace_back();
    task.source = &hosts::claude_code::TranscriptSource();
    task.file = task.source->Describe(dir.Write(fmt::format("s{}.jsonl", number), text));
    task.size = text.size();
  }
  ReadTasks All(std::vector<std::string> installed = {}) {
    return {.count = tasks.size(),
            .make =
                [this](size_t index) {
                  ++begun;
                  return tasks[index];
                },
            .installed = std::make_shared<const std::vector<std::string>>(std::move(installed))};
  }
};

}  // namespace

TEST_SUITE("sync/parallel_reader") {
  // The file may be another one by the time it is read: then the next plan has to
  // see that it does not begin as the one that was read on.
  TEST_CASE("of a file that goes on, the beginning that the plan saw is kept") {
    const testing::TempDir dir;
    const std::string text =
        "{\"type\":\"summary\",\"summary\":\"" + std::string(3000, 's') + "\"}\n";
    ReadTask task;
    task.source = &hosts::claude_code::TranscriptSource();
    task.file = task.source->Describe(dir.Write("s.jsonl", text));
    task.size = text.size();
    const ReadChunk fresh = LastOf(task);
    CHECK(fresh.head_sha256 == Must(HeadHash(task.file.path, text.size())));
    CHECK(fresh.tail_sha256 == Must(TailHash(task.file.path, text.size())));
    task.head_sha256 = std::string(32, 'h');
    CHECK(LastOf(task).head_sha256 == task.head_sha256);
    CHECK(LastOf(task).tail_sha256 == fresh.tail_sha256);
  }

  TEST_CASE("chunks come in the order of the files, whichever thread was faster") {
    for (const int workers : {1, 2, 5}) {
      Transcripts files;
      for (int i = 0; i < 200; ++i) files.Add(std::string(i % 7 == 0 ? 200'000 : 20, 'x'));
      ParallelReader reader(files.All(), workers, /*cancel=*/nullptr);
      ReadChunk chunk;
      for (size_t i = 0; i < files.tasks.size(); ++i) {
        reader.GiveBack(std::exchange(chunk, reader.Next(i)));
        REQUIRE(chunk.last);
        REQUIRE(chunk.batch.sessions.size() == 1);
        CHECK(chunk.batch.sessions[0].id == fmt::format("s{}", i));
      }
      CHECK(files.begun.load() == files.tasks.size());
    }
  }

  TEST_CASE("what prompts say of skills, and their digests, are found where they are read") {
    Transcripts files;
    files.Add("why did you not use the pdf skill?");
    files.Add("good morning");
    ParallelReader reader(files.All({"pdf"}), 2, /*cancel=*/nullptr);
    for (const bool says_nothing : {false, true}) {
      const ReadChunk chunk = reader.Next(says_nothing ? 1 : 0);
      REQUIRE(chunk.batch.sessions.size() == 1);
      REQUIRE(chunk.batch.sessions[0].prompts.size() == 1);
      const ingest::PromptFact& prompt = chunk.batch.sessions[0].prompts[0];
      CHECK(prompt.says_nothing == says_nothing);
      CHECK(prompt.text_sha256 == base::Sha256(prompt.text));
    }
  }

  TEST_CASE("files are read ahead as far as what waits to be written is little") {
    constexpr size_t kWorkers = 2;
    for (const size_t prompt_bytes : {size_t{20}, size_t{1} << 20}) {
      Transcripts files;
      for (int i = 0; i < 100; ++i) files.Add(std::string(prompt_bytes, 'x'));
      const size_t weight = LastOf(files.tasks[0]).weight;
      CHECK(weight > 0);
      const size_t fit = std::min<size_t>(64, ((4 << 20) + weight - 1) / weight);
      ParallelReader reader(files.All(), kWorkers, /*cancel=*/nullptr);
      for (int i = 0; i < 2000 && files.begun < fit; ++i) {
        std::this_thread::sleep_for(milliseconds(5));
      }
      CHECK(files.begun.load() >= fit);
      std::this_thread::sleep_for(milliseconds(50));
      // A worker that is reading when the room is used up ends with one more.
      CHECK(files.begun.load() <= std::min<size_t>(64, fit + kWorkers));
      for (size_t i = 0; i < files.tasks.size(); ++i) REQUIRE(reader.Next(i).last);
    }
  }
}

}  // namespace selftune::sync
