#include "sync/parallel_reader.h"

#include <doctest/doctest.h>

#include <string>

#include "hosts/claude_code/source.h"
#include "support/temp_dir.h"
#include "sync/plan.h"
#include "unit/store/store_fixture.h"

namespace selftune::sync {
namespace {

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
}

}  // namespace selftune::sync
