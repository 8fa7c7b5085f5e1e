// What a restore finds in an existing directory and will do with it, found out and checked before anything is written.
#pragma once
#include <string>
#include <vector>

#include "core/restore/earlier_asides.h"
#include "core/restore/map_survey.h"
#include "core/restore/restore_guard.h"
#include "core/restore/tree_cleaner.h"
#include "core/restore/wal_aside.h"
#include "core/restore/wal_place.h"

namespace pitr {

struct RestoreSurvey {
  WalPlace wal_place;
  UnstoredWal wal;                // in pg_wal, or where its link leads
  UnstoredWal wal_before;         // set aside by the interrupted restore that this one continues
  bool set_aside_before = false;  // as were other files
  ClearRules rules;               // for ClearTree
  ClearedTree clear;              // what that will do
  EarlierAsides earlier;          // of other restores
  // What is restored and lies outside of the data directory behind its links: directories and what they are.
  std::vector<std::string> linked;
  Timeline timeline;  // that the cluster in the directory was on; invalid: not known
};

// `tree` has the tablespaces that exist; pg_wal's directory is added to it when it exists and stays, and to `content`
// as a link when it is to be one. `found` is CheckDirectory's, `mapped` the survey of `map`, and `content` has the
// links, too. kInvalidArgument: what DecideWalPlace, SurveyTree and CheckSpace refuse; errors of the store.
Result<RestoreSurvey> SurveyDirectory(const Repository& repository, const RestoreOptions& options,
                                      const DirectoryState& found, const BackupMap& map, const MapSurvey& mapped,
                                      ClusterTree& tree, TreeContent& content, const OpContext& ctx);

// For people, a sentence or two each: WAL that is only here, where WAL is and will be, which configuration one gets,
// what is set aside and what stays. `done`: it has happened.
std::vector<std::string> DescribeSurvey(const RestoreSurvey& survey, const ClusterTree& tree, bool done);

}  // namespace pitr
