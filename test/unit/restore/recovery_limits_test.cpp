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

}  // namespace
}  // namespace pitr
