#include "store/link.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "store/listing.h"
#include "store/resolver.h"

namespace selftune::store {
namespace {

// Longest chain of subagents that is followed; more is a cycle.
constexpr int kMaxDepth = 64;

constexpr char kPending[] = R"sql(
  SELECT session_pk FROM session WHERE link_pending=1 ORDER BY session_pk)sql";
constexpr char kReadSession[] = R"sql(
  SELECT platform,session_id,kind,parent_pk,root_pk,parent_prompt_pk,parent_text,root_text,spawn_call_id,
    link_prompt_native,started_ms FROM session WHERE session_pk=?1)sql";
constexpr char kFindSession[] =
    R"sql(SELECT session_pk FROM session WHERE session_id=?1 AND platform=?2)sql";
constexpr char kSpawnByChild[] = R"sql(
  SELECT w.session_pk,w.prompt_seq FROM spawn w JOIN session s ON s.session_pk=w.session_pk
  WHERE w.child_id=?1 AND s.platform=?2 AND w.session_pk<>?3 ORDER BY w.session_pk LIMIT 1)sql";
constexpr char kSpawnByCall[] = R"sql(
  SELECT w.session_pk,w.prompt_seq FROM spawn w JOIN session s ON s.session_pk=w.session_pk
  WHERE w.call_id=?1 AND s.platform=?2 AND w.session_pk<>?3
  ORDER BY s.root_pk<>?4, w.session_pk LIMIT 1)sql";
constexpr char kSpawnInParent[] = R"sql(
  SELECT prompt_seq FROM spawn WHERE session_pk=?1 AND (call_id=?2 OR child_id=?3) AND prompt_seq IS NOT NULL
  ORDER BY call_id=?2 DESC LIMIT 1)sql";
constexpr char kPromptBySeq[] = R"sql(
  SELECT prompt_pk FROM prompt WHERE session_pk=?1 AND seq<=?2 AND actionable=1 ORDER BY seq DESC LIMIT 1)sql";
constexpr char kPromptByNative[] = R"sql(
  SELECT prompt_pk FROM prompt WHERE session_pk=?1 AND native_id=?2 AND actionable=1 ORDER BY seq LIMIT 1)sql";
constexpr char kPromptByTime[] = R"sql(
  SELECT prompt_pk FROM prompt WHERE session_pk=?1 AND actionable=1 AND occurred_ms<=?2 ORDER BY occurred_ms DESC,seq DESC LIMIT 1)sql";
constexpr char kSetLinks[] = R"sql(
  UPDATE session SET parent_pk=?2, root_pk=?3, parent_prompt_pk=?4, link_pending=?5 WHERE session_pk=?1)sql";
constexpr char kChildren[] = R"sql(
  UPDATE session SET link_pending=1 WHERE parent_pk=?1 AND kind='subagent')sql";

constexpr char kWrongObservations[] = R"sql(
  SELECT obs_pk,occurrence_key,prompt_pk,skill_id FROM observation WHERE session_pk=?1 AND prompt_pk IS NOT ?2
    AND capture<>'label')sql";
constexpr char kMoveObservation[] = R"sql(UPDATE observation SET prompt_pk=?2 WHERE obs_pk=?1)sql";

constexpr char kInheriting[] = R"sql(
  SELECT s.session_pk,p.session_pk,s.fork_end_offset,f.offset,f.state,f.size FROM session s
  JOIN session p ON p.session_id=s.forked_from AND p.platform=s.platform
  LEFT JOIN source_file f ON f.source_id=p.source_id WHERE s.inherit_pending=1 ORDER BY s.session_pk)sql";
constexpr char kInherited[] = R"sql(UPDATE session SET inherit_pending=0 WHERE session_pk=?1)sql";
constexpr char kAddInherited[] = R"sql(
  INSERT INTO exposure(session_pk,at_ms,listing_id,cause,inherited)
  SELECT ?1,started_ms,?2,'listing',1 FROM session WHERE session_pk=?1)sql";
constexpr char kFirstOwn[] = R"sql(
  SELECT exposure_pk,listing_id,cause FROM exposure WHERE session_pk=?1 AND inherited=0 ORDER BY exposure_pk LIMIT 1)sql";
constexpr char kSetListing[] = R"sql(UPDATE exposure SET listing_id=?2 WHERE exposure_pk=?1)sql";

// A session's links as stored.
struct Linked {
  SessionPk pk;
  std::string platform, id, kind;
  SessionPk parent, root;
  PromptPk prompt;
  std::string parent_text, root_text, call_id, native_id;
  std::optional<UtcMillis> started;
  [[nodiscard]] bool subagent() const { return kind == "subagent"; }
};

StatusOr<std::optional<Linked>> Read(Db& db, SessionPk pk) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kReadSession, pk));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return std::optional<Linked>();
  return std::optional<Linked>({.pk = pk,
                                .platform = row.String(0),
                                .id = row.String(1),
                                .kind = row.String(2),
                                .parent = row.Key<SessionPk>(3),
                                .root = row.Key<SessionPk>(4),
                                .prompt = row.Key<PromptPk>(5),
                                .parent_text = row.String(6),
                                .root_text = row.String(7),
                                .call_id = row.String(8),
                                .native_id = row.String(9),
                                .started = row.OptTime(10)});
}

// Where a subagent was started, and how sure that is.
struct Place {
  SessionPk parent;
  std::optional<int64_t> prompt_seq;  // of the parent
  bool certain = false;               // the parent names it, or it names the parent
};

StatusOr<std::optional<Place>> FromSpawn(StatusOr<Cursor> query) {
  ST_ASSIGN_OR_RETURN(Cursor row, std::move(query));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return std::optional<Place>();
  return std::optional<Place>(
      {.parent = row.Key<SessionPk>(0), .prompt_seq = row.OptInt(1), .certain = true});
}

StatusOr<SessionPk> ByText(Db& db, const Linked& session, std::string_view id) {
  if (id.empty() || id == session.id) return SessionPk{};
  ST_ASSIGN_OR_RETURN(const int64_t found, db.QueryInt(kFindSession, 0, id, session.platform));
  return SessionPk{found};
}

StatusOr<Place> FindParent(Db& db, const Linked& session) {
  ST_ASSIGN_OR_RETURN(const SessionPk named, ByText(db, session, session.parent_text));
  if (named) {
    Place place{.parent = named, .prompt_seq = {}, .certain = true};
    ST_ASSIGN_OR_RETURN(Cursor row,
                        db.Query(kSpawnInParent, named, OrNull{session.call_id}, session.id));
    ST_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (found) place.prompt_seq = row.OptInt(0);
    return place;
  }
  ST_ASSIGN_OR_RETURN(const std::optional<Place> by_child,
                      FromSpawn(db.Query(kSpawnByChild, session.id, session.platform, session.pk)));
  if (by_child.has_value()) return *by_child;
  ST_ASSIGN_OR_RETURN(const SessionPk root, ByText(db, session, session.root_text));
  if (!session.call_id.empty()) {
    ST_ASSIGN_OR_RETURN(
        const std::optional<Place> by_call,
        FromSpawn(db.Query(kSpawnByCall, session.call_id, session.platform, session.pk, root)));
    if (by_call.has_value()) return *by_call;
  }
  return Place{.parent = root, .prompt_seq = {}, .certain = false};
}

// The root above `parent` and, when a subagent lies between, that subagent.
struct Above {
  SessionPk root;
  std::optional<Linked> between;  // the parent, if it is a subagent itself
};

StatusOr<Above> Climb(Db& db, const Linked& session, SessionPk parent) {
  Above above;
  SessionPk at = parent;
  for (int depth = 0; depth < kMaxDepth; ++depth) {
    ST_ASSIGN_OR_RETURN(const std::optional<Linked> next, Read(db, at));
    if (!next.has_value()) break;
    if (depth == 0 && next->subagent()) above.between = next;
    if (!next->subagent()) {
      above.root = at;
      return above;
    }
    SessionPk up = next->parent;
    if (!up) {
      ST_ASSIGN_OR_RETURN(
          up, ByText(db, *next, next->parent_text.empty() ? next->root_text : next->parent_text));
    }
    if (!up || up == session.pk) break;
    at = up;
  }
  // A broken chain or a cycle: the id of the root is the best word there is.
  ST_ASSIGN_OR_RETURN(const SessionPk named, ByText(db, session, session.root_text));
  if (named && named != parent) {
    ST_ASSIGN_OR_RETURN(const std::optional<Linked> root, Read(db, named));
    if (root.has_value() && !root->subagent()) above.root = named;
  }
  return above;
}

// The root's prompt in whose turn the session was started; `certain` turns
// false when only the time says so.
StatusOr<PromptPk> FindPrompt(Db& db, const Linked& session, const Place& place, const Above& above,
                              bool& certain) {
  if (!above.root) return PromptPk{};
  if (above.between.has_value()) {
    certain = above.between->prompt.value != 0;
    if (above.between->prompt) return above.between->prompt;
  } else if (place.prompt_seq.has_value()) {
    ST_ASSIGN_OR_RETURN(const int64_t by_seq,
                        db.QueryInt(kPromptBySeq, 0, above.root, *place.prompt_seq));
    if (by_seq != 0) return PromptPk{by_seq};
  }
  if (!session.native_id.empty()) {
    ST_ASSIGN_OR_RETURN(const int64_t by_native,
                        db.QueryInt(kPromptByNative, 0, above.root, session.native_id));
    if (by_native != 0) {
      certain = true;
      return PromptPk{by_native};
    }
  }
  certain = false;
  if (!session.started.has_value()) return PromptPk{};
  ST_ASSIGN_OR_RETURN(const int64_t by_time,
                      db.QueryInt(kPromptByTime, 0, above.root, *session.started));
  return PromptPk{by_time};
}

// Moves the decisions of a subagent to the prompt it was started by.
StatusOr<int64_t> MoveObservations(Db& db, SessionPk session, PromptPk prompt) {
  struct Row {
    int64_t pk;
    PromptPk from;
    SkillId skill;
  };
  std::vector<Row> rows;
  {
    ST_ASSIGN_OR_RETURN(Cursor found, db.Query(kWrongObservations, session, prompt));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, found.Next());
      if (!more) break;
      rows.push_back({found.Int(0), found.Key<PromptPk>(2), found.Key<SkillId>(3)});
    }
  }
  for (const Row& row : rows) {
    ST_RETURN_IF_ERROR(db.Run(kMoveObservation, row.pk, prompt));
    ST_RETURN_IF_ERROR(ResolveNeighbours(db, session, row.from, row.skill));
    ST_RETURN_IF_ERROR(ResolveNeighbours(db, session, prompt, row.skill));
  }
  return static_cast<int64_t>(rows.size());
}

Status LinkOne(Db& db, const Linked& session, LinkReport& report) {
  if (!session.subagent()) {
    return db.Run(kSetLinks, session.pk, nullptr, session.pk, nullptr, 0);
  }
  ST_ASSIGN_OR_RETURN(const Place place, FindParent(db, session));
  Above above;
  if (place.parent) {
    ST_ASSIGN_OR_RETURN(above, Climb(db, session, place.parent));
  }
  bool certain = place.certain;
  ST_ASSIGN_OR_RETURN(const PromptPk prompt, FindPrompt(db, session, place, above, certain));
  const SessionPk root = above.root ? above.root : session.pk;
  // What is not certain is looked at again when the root gets prompts, or
  // when a call that started it turns up.
  ST_RETURN_IF_ERROR(
      db.Run(kSetLinks, session.pk, place.parent, root, prompt, certain && prompt ? 0 : 2));
  const bool moved =
      session.parent != place.parent || session.root != root || session.prompt != prompt;
  if (moved) {
    ++report.sessions;
    ST_RETURN_IF_ERROR(db.Run(kChildren, session.pk));
  }
  ST_ASSIGN_OR_RETURN(const int64_t changed, MoveObservations(db, session.pk, prompt));
  report.observations += changed;
  return absl::OkStatus();
}

StatusOr<std::vector<SessionPk>> Pending(Db& db) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kPending));
  std::vector<SessionPk> out;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back(rows.Key<SessionPk>(0));
  }
}

// ---------------------------------------------------------------- exposures

struct Heir {
  SessionPk session, parent;
  uint64_t end = 0;
};

StatusOr<std::vector<Heir>> Heirs(Db& db) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kInheriting));
  std::vector<Heir> heirs;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return heirs;
    // The parent must be read up to the branching point, unless it is gone or
    // was rewritten and ends before that.
    const bool unread = rows.Int(3) < rows.Int(5) || rows.Int(5) == 0;
    if (rows.Int(3) < rows.Int(2) && unread && rows.Text(4) == "active") continue;
    heirs.push_back(
        {rows.Key<SessionPk>(0), rows.Key<SessionPk>(1), static_cast<uint64_t>(rows.Int(2))});
  }
}

// The fork's first own listing replaces what it inherited: what is not in it
// is gone from there on.
Status CompleteFirstListing(Db& db, SessionPk session, const std::vector<ListedSkill>& inherited) {
  int64_t exposure = 0;
  ListingId listing;
  {
    ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kFirstOwn, session));
    ST_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (!found || row.Text(2) == Word(ExposureCause::kDelta)) return absl::OkStatus();
    exposure = row.Int(0);
    listing = row.Key<ListingId>(1);
  }
  ST_ASSIGN_OR_RETURN(std::vector<ListedSkill> entries, ReadListing(db, listing));
  ShownState before;
  before.Apply(inherited);
  const std::vector<ListedSkill> gone = before.Vanished(entries);
  if (gone.empty()) return absl::OkStatus();
  entries.insert(entries.end(), gone.begin(), gone.end());
  ST_ASSIGN_OR_RETURN(const ListingId whole, InternListing(db, entries));
  return db.Run(kSetListing, exposure, whole);
}

Status Inherit(Db& db, const Heir& heir) {
  ST_ASSIGN_OR_RETURN(const ShownState shown, ReplayExposures(db, heir.parent, heir.end));
  const std::vector<ListedSkill> entries = shown.Present();
  if (!entries.empty()) {
    ST_ASSIGN_OR_RETURN(const ListingId listing, InternListing(db, entries));
    ST_RETURN_IF_ERROR(db.Run(kAddInherited, heir.session, listing));
    ST_RETURN_IF_ERROR(CompleteFirstListing(db, heir.session, entries));
  }
  return db.Run(kInherited, heir.session);
}

}  // namespace

StatusOr<LinkReport> ResolveLinks(Db& db, UtcMillis /*now*/) {
  LinkReport report;
  // Each round settles one more level of a chain.
  for (int round = 0; round < kMaxDepth; ++round) {
    ST_ASSIGN_OR_RETURN(const std::vector<SessionPk> pending, Pending(db));
    if (pending.empty()) break;
    for (const SessionPk pk : pending) {
      ST_ASSIGN_OR_RETURN(const std::optional<Linked> session, Read(db, pk));
      if (session.has_value()) ST_RETURN_IF_ERROR(LinkOne(db, *session, report));
    }
  }
  ST_ASSIGN_OR_RETURN(const std::vector<Heir> heirs, Heirs(db));
  for (const Heir& heir : heirs) {
    ST_RETURN_IF_ERROR(Inherit(db, heir));
    ++report.inherited;
  }
  return report;
}

}  // namespace selftune::store
