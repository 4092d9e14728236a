// A host's transcripts as ingest sees them: how to find the files, and how to
// turn their lines into facts.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/env.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_object.h"
#include "ingest/byte_stream.h"
#include "ingest/facts.h"
#include "ingest/store_reader.h"

namespace selftune::ingest {

// 8-byte keys of records that other sessions own.
using KeySet = std::unordered_set<uint64_t>;

struct SourceFile {
  std::string path;                      // absolute
  std::string_view kind = "transcript";  // transcript rollout sqlite json
  bool archived = false;
  // The host writes it at once and replaces it: after a change it is read from
  // its start. Otherwise it is appended to.
  bool replaced_whole = false;
  // Sessions are rows (or small files) that the host adds and changes in place:
  // read by Source::OpenStore instead of line by line.
  bool rows = false;
  // What the host says of the session in another file, which may come or change after
  // this one was read: it is read from its start when this does not begin what was known.
  // "" = nothing.
  std::string beside;
};

// A complete line without its line end.
struct Line {
  std::string_view text;  // followed by at least 64 readable bytes
  uint64_t offset = 0;
  uint64_t line_no = 0;
};

// Turns the lines of one file into facts. Everything that must survive the end
// of a read (open calls, the current prompt) is part of SaveState().
//
// A reader never fails on a record it does not know; it counts it. A line that
// is not a JSON object makes ReadLine fail with INVALID_REQUEST, and sync
// records a bad line; the reader's state is then as before the line. Facts are
// added to `batch`, which may already hold some. Not thread-safe; one per file.
class LineReader {
 public:
  virtual ~LineReader() = default;
  [[nodiscard]] virtual Status ReadLine(const Line& line, base::LineParser& parser,
                                        Batch& batch) = 0;
  // JSON text, at most a few KiB for an ordinary session.
  [[nodiscard]] virtual std::string SaveState() const = 0;
};

struct ReaderOptions {
  const SourceFile* file = nullptr;  // outlives the reader
  // From SaveState() of an earlier read of the same file; "" = from the start.
  std::string_view saved_state;
  // Records already counted in the sessions this one was copied from; such a
  // record adds no fact but what the model was offered. Outlives the reader;
  // nullptr = none.
  const KeySet* copied = nullptr;
};

// Uses of a skill as a host sums them up itself: a cross-check, no evidence.
struct HostCount {
  std::string skill;  // as the host calls it
  int64_t uses = 0;
};

// A change of a skill that its host proposes itself and that waits for a person: nobody else
// changes the file meanwhile.
struct PendingChange {
  std::string skill_file;  // as the host writes it
  std::string what;        // for people
  std::string command;     // of the host, that shows it
};

// A run of a hook program, ours or another's, as a host timed it: no evidence.
struct HookRun {
  std::string command;
  int64_t ms = 0;
};
// Those that one line of a file tells of.
using HookRunsOf = std::vector<HookRun> (*)(std::string_view line);

// One host's transcripts. Stateless; thread-safe.
class Source {
 public:
  virtual ~Source() = default;
  [[nodiscard]] virtual std::string_view platform() const = 0;     // "claude_code"
  [[nodiscard]] virtual std::string_view parser_name() const = 0;  // "claude_code/jsonl"
  // Goes up whenever the same bytes would give other facts: files are re-read.
  [[nodiscard]] virtual int parser_version() const = 0;
  // Does the host have a store here at all?
  [[nodiscard]] virtual bool Available(const base::Environment& env) const = 0;
  // Every file of the store, sorted by path. Unreadable folders are skipped
  // and named in `problems`.
  [[nodiscard]] virtual std::vector<SourceFile> Discover(
      const base::Environment& env, std::vector<std::string>& problems) const = 0;
  // What Discover says about the file at `path`.
  [[nodiscard]] virtual SourceFile Describe(std::string path) const;
  // What is compared with the last look: of the file itself, unless the host
  // writes to others beside it.
  [[nodiscard]] virtual StatusOr<base::FileInfo> Look(const SourceFile& file) const;
  // Two paths with one identity are forms of one file, of which one exists at a time.
  [[nodiscard]] virtual std::string Identity(const std::string& path) const;
  // The bytes in which the file's lines are found. `size`: of the file at the
  // last look; what was added since is left for the next run.
  [[nodiscard]] virtual StatusOr<std::unique_ptr<ByteStream>> OpenBytes(const SourceFile& file,
                                                                        uint64_t size) const;
  // The reader of a file of lines. Fails when `saved_state` is not of this parser.
  [[nodiscard]] virtual StatusOr<std::unique_ptr<LineReader>> Open(
      const ReaderOptions& options) const;
  // Where the host keeps what was typed into it, whether that is there or not; "" = nowhere.
  [[nodiscard]] virtual std::string PromptHistory(const base::Environment& env) const;
  // What the host counted; nothing where it does not count, or has not begun to.
  [[nodiscard]] virtual StatusOr<std::vector<HostCount>> CountedUses(
      const base::Environment& env) const;
  // Changes of skills that the host proposes; none where it proposes none. Stores that cannot
  // be understood are named in `problems`.
  [[nodiscard]] virtual std::vector<PendingChange> PendingChanges(
      const base::Environment& env, std::vector<std::string>& problems) const;
  // nullptr where the host does not write down how long hooks took.
  [[nodiscard]] virtual HookRunsOf hook_runs() const;
  // The reader of a file with `rows`. Opens nothing yet.
  [[nodiscard]] virtual StatusOr<std::unique_ptr<StoreReader>> OpenStore(
      const StoreOptions& options) const;
};

}  // namespace selftune::ingest
