#include "sync/prompt_signals.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/status_macros.h"
#include "signals/improvement.h"
#include "store/prompt_lookup.h"
#include "store/signal_words.h"

namespace selftune::sync {
namespace {

SignalKind ToStore(signals::SignalKind kind) {
  switch (kind) {
    case signals::SignalKind::kCorrection:
      return SignalKind::kCorrection;
    case signals::SignalKind::kUnwanted:
      return SignalKind::kUnwanted;
    case signals::SignalKind::kExplicitRequest:
      return SignalKind::kExplicitRequest;
    case signals::SignalKind::kManualInvocation:
      return SignalKind::kManualInvocation;
  }
  return SignalKind::kCorrection;
}

// What a signal says of which prompt; no prompt: it says nothing yet.
struct Judgement {
  store::PromptPk about;
  Label label = Label::kShould;
};

// A complaint is about the prompt before. Of one that only a hook told it is not
// known whether that is the newest one told by the source: it waits for its own
// place. Between two that only hooks told the hooks' order holds until then.
StatusOr<Judgement> About(store::Db& db, const signals::Signal& signal,
                          const store::PlacedPrompt& here, const store::PlacedPrompt& before) {
  const bool placed = here.by_source || !before.by_source;
  switch (signal.kind) {
    case signals::SignalKind::kCorrection:
      return Judgement{placed ? before.pk : store::PromptPk{}, Label::kShould};
    case signals::SignalKind::kUnwanted: {
      if (!placed) return Judgement{};
      if (!before.pk) return Judgement{here.pk, Label::kShouldNot};
      ST_ASSIGN_OR_RETURN(const bool ran, store::TriggeredAt(db, before, signal.skill));
      return Judgement{ran ? before.pk : here.pk, Label::kShouldNot};
    }
    case signals::SignalKind::kExplicitRequest:
    case signals::SignalKind::kManualInvocation:
      break;
  }
  return Judgement{here.pk, Label::kShould};
}

Status AddJudgement(store::IngestWriter& writer, const signals::Signal& signal,
                    const Judgement& judged) {
  const std::string source = fmt::format("signal:{}", Word(ToStore(signal.kind)));
  ST_RETURN_IF_ERROR(writer.AddLabel({.prompt = judged.about,
                                      .skill = signal.skill,
                                      .label = judged.label,
                                      .reason = MissReason::kSignal,
                                      .source = source}));
  const bool missed =
      judged.label == Label::kShould && signal.kind != signals::SignalKind::kManualInvocation;
  if (!missed) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(const store::ExposureAt seen,
                      store::ReadExposureAt(writer.db(), judged.about, signal.skill));
  return writer.AddMissed({.prompt = judged.about,
                           .skill = signal.skill,
                           .reason = MissReason::kSignal,
                           .cause = store::CauseOf(seen),
                           .confidence = 1.0});
}

}  // namespace

Status AddPromptSignals(store::IngestWriter& writer, store::SessionPk session, int32_t seq,
                        std::string_view text, std::optional<UtcMillis> at,
                        std::span<const std::string> installed) {
  const auto found = signals::DetectSignals(text, installed);
  if (found.empty()) return absl::OkStatus();
  store::Db& db = writer.db();
  ST_ASSIGN_OR_RETURN(const store::PlacedPrompt here, store::FindPrompt(db, session, seq));
  if (!here.pk) return absl::OkStatus();  // of no person
  ST_ASSIGN_OR_RETURN(const store::PlacedPrompt before,
                      store::UserPromptBefore(db, session, seq, here));
  for (const signals::Signal& signal : found) {
    const auto added = writer.AddSignal({.prompt = here.pk,
                                         .kind = ToStore(signal.kind),
                                         .mention = signal.skill,
                                         .skill = signal.resolved ? signal.skill : std::string(),
                                         .at = at});
    ST_RETURN_IF_ERROR(added.status());
    if (!signal.resolved) continue;
    ST_ASSIGN_OR_RETURN(const Judgement judged, About(db, signal, here, before));
    if (judged.about) ST_RETURN_IF_ERROR(AddJudgement(writer, signal, judged));
  }
  return absl::OkStatus();
}

Status DrawSessionAgain(store::IngestWriter& writer, store::SessionPk session,
                        std::span<const std::string> installed) {
  store::Db& db = writer.db();
  ST_ASSIGN_OR_RETURN(const store::SessionWords said, store::ReadSessionWords(db, session));
  std::vector<std::string> names;
  std::set_union(installed.begin(), installed.end(), said.skills.begin(), said.skills.end(),
                 std::back_inserter(names));
  if (said.whole) ST_RETURN_IF_ERROR(store::ForgetWords(db, session));
  for (const store::PromptWords& prompt : said.prompts) {
    ST_RETURN_IF_ERROR(
        AddPromptSignals(writer, session, prompt.seq, prompt.text, prompt.at, names));
  }
  return absl::OkStatus();
}

Status ExplainAgain(store::IngestWriter& writer, store::SessionPk session, int32_t seq) {
  store::Db& db = writer.db();
  ST_ASSIGN_OR_RETURN(const std::vector<store::SignalMiss> misses,
                      store::SignalMisses(db, session, seq));
  for (const store::SignalMiss& miss : misses) {
    ST_ASSIGN_OR_RETURN(const store::ExposureAt seen,
                        store::ReadExposureAt(db, miss.prompt, miss.skill));
    const MissCause cause = store::CauseOf(seen);
    if (Word(cause) == miss.cause) continue;
    ST_RETURN_IF_ERROR(writer.AddMissed({.prompt = miss.prompt,
                                         .skill = miss.skill,
                                         .reason = MissReason::kSignal,
                                         .cause = cause,
                                         .confidence = 1.0}));
  }
  return absl::OkStatus();
}

}  // namespace selftune::sync
