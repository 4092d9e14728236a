// The groups of checks behind RunDoctor; private to this module.
#pragma once

#include <future>
#include <vector>

#include "skillfs/discovery.h"
#include "status/doctor.h"

namespace selftune::status {

using Checks = std::vector<Check>;

// doctor_access.cc: fails when the state folder or the store cannot be written.
void CheckStoreAccess(const DoctorWorld& world, Checks& out);

// doctor_machine.cc
void CheckConfig(const DoctorWorld& world, Checks& out);
// Folders that variables name and that are not read; folders configured.
void CheckFolders(const DoctorWorld& world, Checks& out);
[[nodiscard]] Status CheckDatabase(const DoctorWorld& world, const DoctorOptions& options,
                                   Checks& out);
void CheckMachine(const DoctorWorld& world, Checks& out);
// doctor_agents.cc
void CheckAgents(const DoctorWorld& world, const DoctorOptions& options, Checks& out);

// doctor_keeping.cc: what is lost unless something is done in time.
[[nodiscard]] Status CheckRetention(const DoctorWorld& world, Checks& out);
[[nodiscard]] Status CheckListings(const DoctorWorld& world, const skillfs::Discovery& found,
                                   Checks& out);
[[nodiscard]] Status CheckOwnSkill(const DoctorWorld& world, Checks& out);
void CheckPrivacy(const DoctorWorld& world, Checks& out);

// doctor_kept.cc; says nothing where there are none.
[[nodiscard]] Status CheckKeptFiles(const DoctorWorld& world, Checks& out);

// doctor_hooks.cc
[[nodiscard]] Status CheckHooks(const DoctorWorld& world, Checks& out);
// doctor_dashboard.cc
void CheckDashboard(const DoctorWorld& world, Checks& out);
// doctor_scheduler.cc
[[nodiscard]] Status CheckScheduler(const DoctorWorld& world, const DoctorOptions& options,
                                    Checks& out);
// Says nothing unless runs that begin by themselves rest.
[[nodiscard]] Status CheckRunsRest(const DoctorWorld& world, Checks& out);

// doctor_reference.cc
void CheckReference(const DoctorWorld& world, Checks& out);

// doctor_counted.cc; the store is open.
[[nodiscard]] Status CheckCounted(const DoctorWorld& world, Checks& out);
// doctor_hook_cost.cc; the store is open.
[[nodiscard]] Status CheckHookCost(const DoctorWorld& world, Checks& out);
// doctor_evidence.cc; the store is open.
[[nodiscard]] Status CheckEvidence(const DoctorWorld& world, const DoctorOptions& options,
                                   Checks& out);
// doctor_skills.cc; the store is open.
// Begins to look for the skills on the disk, in a thread of its own where one can be had: a
// person waits for what the store and the disk say.
[[nodiscard]] StatusOr<std::future<skillfs::Discovery>> LookForSkills(const DoctorWorld& world);
// `found`: what was begun; invalid for a quick doctor, which does without.
[[nodiscard]] Status CheckSkills(const DoctorWorld& world, std::future<skillfs::Discovery> found,
                                 Checks& out);

}  // namespace selftune::status
