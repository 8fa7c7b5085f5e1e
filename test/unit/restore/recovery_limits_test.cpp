// Starts no thread.
#include "core/restore/recovery_limits.h"

#include <gtest/gtest.h>

namespace pitr {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

TEST(RecoveryLimits, OnlyWhatIsTooSmallIsWritten) {
  const RecoveryLimits needed{.max_connections = 70,
                              .max_worker_processes = 20,
                              .max_wal_senders = 10,
                              .max_prepared_transactions = 10,
                              .max_locks_per_transaction = 128};
  OwnConfiguration configured{true, {{"max_connections", "50"}, {"max_worker_processes", "30"}}};
  EXPECT_EQ(
      NeededSettings(needed, configured, 18),
      (Settings{{"max_connections", "70"}, {"max_prepared_transactions", "10"}, {"max_locks_per_transaction", "128"}}));
  EXPECT_EQ(NeededSettings(needed, configured, 19),
            (Settings{{"max_connections", "70"}, {"max_prepared_transactions", "10"}}))
      << "19 has 128 locks by default";
  configured.values["max_connections"] = "many";
  EXPECT_EQ(NeededSettings(needed, configured, 19).front().first, "max_connections")
      << "what cannot be read is not enough";
}

TEST(RecoveryLimits, AllIsWrittenWhereTheConfigurationIsUnknown) {
  const RecoveryLimits needed{.max_connections = 80,
                              .max_worker_processes = 8,
                              .max_wal_senders = 10,
                              .max_prepared_transactions = 0,
                              .max_locks_per_transaction = 64};
  EXPECT_EQ(NeededSettings(needed, {true, {}}, 15), Settings{}) << "PostgreSQL's own are enough";
  const Settings all{{"max_connections", "80"},
                     {"max_worker_processes", "8"},
                     {"max_wal_senders", "10"},
                     {"max_locks_per_transaction", "64"}};
  EXPECT_EQ(NeededSettings(needed, {false, {}}, 15), all) << "they may have been lowered";
}

TEST(RecoveryLimits, WalSendersNeedALevel) {
  const RecoveryLimits needed{.max_wal_senders = 10};
  const OwnConfiguration configured{true, {{"wal_level", "Minimal"}, {"max_wal_senders", "0"}}};
  EXPECT_EQ(NeededSettings(needed, configured, 15), (Settings{{"max_wal_senders", "10"}, {"wal_level", "replica"}}));
}

TEST(RecoveryLimits, InPlaceTablespacesAreAllowedUnlessTheyAre) {
  const auto written = [](const std::string& value, RecoveryMode mode = RecoveryMode::kRecover) {
    OwnConfiguration configured{true, {}};
    if (!value.empty()) configured.values["allow_in_place_tablespaces"] = value;
    RecoverySettings settings;
    settings.mode = mode;
    std::vector<std::string> notes;
    AllowInPlaceTablespaces(configured, settings, &notes);
    EXPECT_EQ(notes.size(), mode == RecoveryMode::kNone ? 1U : settings.needed.size());
    return settings.needed;
  };
  const Settings on{{"allow_in_place_tablespaces", "on"}};
  for (const char* value : {"", "off", "F", "no", "0", "o", "maybe"}) EXPECT_EQ(written(value), on) << value;
  for (const char* value : {"on", "1", "TRUE", "y"}) EXPECT_EQ(written(value), Settings{}) << value;
  EXPECT_EQ(written("", RecoveryMode::kStandby), on) << "a standby that becomes consistent looks, too";
  EXPECT_EQ(written("", RecoveryMode::kNone), Settings{}) << "it is said only";
}

TEST(RecoveryLimits, WhoSetsUpRecoveryHimselfIsTold) {
  RecoverySettings settings;
  settings.mode = RecoveryMode::kNone;
  std::vector<std::string> notes;
  AddSettingNotes(settings, {true, {}}, &notes);
  EXPECT_TRUE(notes.empty());
  settings.needed = {{"max_connections", "70"}};
  AddSettingNotes(settings, {true, {}}, &notes);
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_EQ(notes[0].find("Recovery needs at least max_connections = 70"), 0U) << notes[0];
}

}  // namespace
}  // namespace pitr
