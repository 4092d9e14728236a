// The skills of one turn: which evidence counts when there is more than one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_value.h"
#include "base/json_writer.h"
#include "ingest/facts.h"

namespace selftune::hosts {

// Every explicit load and every successful call of the skill tool is a use. A
// read counts only when the skill has no such use in the turn, once, by its
// highest level; it is no use when the turn also changes the file.
//
// Decisions come as facts whose keys replace or retract earlier ones.
class TurnSkills {
 public:
  // A new turn. `command`: the skill that the prompt names as its command, "" = none.
  void Begin(std::string_view command);

  // Who asked for `skill` in this turn.
  [[nodiscard]] RequestedBy AskedBy(std::string_view skill) const;

  void AddUse(ingest::SkillFact fact, std::vector<ingest::SkillFact>& out);
  void AddRead(ingest::SkillFact fact, std::vector<ingest::SkillFact>& out);
  // A read that failed; says nothing new about a skill in use.
  void AddRefusedRead(ingest::SkillFact fact, std::vector<ingest::SkillFact>& out);
  // The prompt is "/skill ..." and the host passed it on as text: a request
  // until something loads the skill.
  void AddRequest(ingest::SkillFact fact, std::vector<ingest::SkillFact>& out);
  // SKILL.md at `path` was changed.
  void AddChange(std::string_view path, std::vector<ingest::SkillFact>& out);
  // `skill`, which is in use, turned out to be the one in folder `folder`.
  void AddAlias(std::string_view skill, std::string_view folder,
                std::vector<ingest::SkillFact>& out);

  void Save(base::JsonWriter& w) const;  // one value
  [[nodiscard]] static TurnSkills Load(const base::JsonValue& value);

 private:
  struct Entry {
    std::string name;  // without plugin, lower case
    bool used = false, refused = false;
    std::vector<std::string> changed;  // paths of its SKILL.md
    std::optional<ingest::SkillFact> read, request;
  };

  Entry& Of(std::string_view skill);
  static void Retract(std::optional<ingest::SkillFact>& fact, std::vector<ingest::SkillFact>& out);

  std::string command_;
  std::vector<Entry> entries_;
};

}  // namespace selftune::hosts
