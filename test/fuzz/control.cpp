// Anything as pg_control; the checksum is made right where the version allows.
#include "core/pg/control.h"

#include "fuzz/target.h"

PITR_FUZZ_TARGET(control)(const uint8_t* data, size_t size) {
  using namespace pitr;
  Bytes bytes(data, data + size);
  (void)ParseControlFile(bytes);
  if (bytes.size() >= 16) {  // one of the versions supported
    constexpr std::pair<uint32_t, uint32_t> kVersions[] = {
        {1300, 202209061}, {1300, 202307071}, {1700, 202406281}, {1800, 202506291}, {1902, 202607272}};
    const auto [control, catalog] = kVersions[bytes[8] % 5];
    StoreLe(&bytes[8], control);
    StoreLe(&bytes[12], catalog);
  }
  if (!SealControlFile(bytes).ok()) return 0;
  const auto control = ParseControlFile(bytes);
  if (control.ok()) (void)ClusterStateName(control.value().state);
  return 0;
}
