// A store with one host, filled in few words.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "unit/store/store_fixture.h"

namespace selftune::status::testing {

using store::testing::kNow;
using store::testing::Must;
using store::testing::TempStore;

inline UtcMillis DaysAgo(double days) {
  return UtcMillis{kNow.value - static_cast<int64_t>(days * static_cast<double>(kDayMs))};
}

// Writes into a TempStore; one source file holds everything.
class World {
 public:
  [[nodiscard]] store::Db& db() { return store_.db(); }
  [[nodiscard]] TempStore& store() { return store_; }

  template <typename Body>
  void Write(Body&& body) {
    store_.Write([&](store::IngestWriter& writer) {
      if (!source_) source_ = store::testing::AddSource(writer, "/t/one.jsonl");
      body(writer);
    });
  }

  // A session of a person; `answers` so that it counts.
  store::SessionPk Session(std::string_view id, UtcMillis started,
                           std::string_view platform = "claude_code") {
    store::SessionPk pk;
    Write([&](store::IngestWriter& writer) {
      pk = Must(writer.UpdateSession({.platform = platform,
                                      .id = id,
                                      .cwd = "/home/dev/shop",
                                      .started = started,
                                      .ended = UtcMillis{started.value + 60'000},
                                      .source = source_}));
      REQUIRE_OK(writer.AddMetricDelta(pk, {.answers = 1}));
    });
    return pk;
  }
  store::PromptPk Prompt(store::SessionPk session, int32_t seq, std::string_view text,
                         UtcMillis at) {
    store::PromptPk pk;
    Write([&](store::IngestWriter& writer) {
      pk = Must(writer.UpsertPrompt(session,
                                    {.seq = seq,
                                     .text = text,
                                     .at = at,
                                     .origin = {.source = source_,
                                                .offset = 1000U * static_cast<uint64_t>(seq),
                                                .line_no = 10U * static_cast<uint64_t>(seq) + 1}}));
    });
    return pk;
  }
  void Use(store::SessionPk session, int32_t seq, std::string_view skill, UtcMillis at,
           RequestedBy by = RequestedBy::kModel, Outcome outcome = Outcome::kTriggered) {
    Write([&](store::IngestWriter& writer) {
      const std::string key = "call" + std::to_string(++calls_);
      REQUIRE_OK(writer.UpsertObservation(
          session,
          {.key = key,
           .key_is_call_id = true,
           .skill = skill,
           .outcome = outcome,
           .requested_by = by,
           .prompt_seq = seq,
           .at = at,
           .origin = {.source = source_, .offset = 1000U * static_cast<uint64_t>(seq) + 50}}));
    });
    store_.Link();
  }
  void Label(store::PromptPk prompt, std::string_view skill, selftune::Label label,
             MissReason reason = MissReason::kCurated) {
    Write([&](store::IngestWriter& writer) {
      REQUIRE_OK(writer.AddLabel(
          {.prompt = prompt, .skill = skill, .label = label, .reason = reason, .source = "test"}));
    });
  }
  void Missed(store::PromptPk prompt, std::string_view skill, MissCause cause) {
    Write([&](store::IngestWriter& writer) {
      REQUIRE_OK(writer.AddMissed({.prompt = prompt, .skill = skill, .cause = cause}));
    });
  }
  void Listing(store::SessionPk session, std::optional<int32_t> seq, ExposureCause cause,
               const std::vector<store::ListingEntryRow>& entries) {
    Write([&](store::IngestWriter& writer) {
      REQUIRE_OK(writer.AddExposure(session, {.prompt_seq = seq,
                                              .cause = cause,
                                              .entries = entries,
                                              .origin = {.source = source_, .offset = 77}}));
    });
  }
  void Install(std::string_view skill, std::string_view path, std::string_view description,
               std::optional<bool> implicit = true, std::string_view project_root = "") {
    Write([&](store::IngestWriter& writer) {
      REQUIRE_OK(writer.UpsertSkillLocation({.skill = skill,
                                             .path = path,
                                             .scope = project_root.empty() ? "global" : "project",
                                             .registry_dir = base::DirName(base::DirName(path)),
                                             .project_root = project_root,
                                             .real_path = path,
                                             .content_sha256 = std::string(32, 'x'),
                                             .description = description,
                                             .implicit_allowed = implicit,
                                             .in_git = false}));
    });
  }

 private:
  TempStore store_;
  store::SourceId source_;
  int calls_ = 0;
};

}  // namespace selftune::status::testing
