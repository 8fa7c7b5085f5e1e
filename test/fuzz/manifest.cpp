// Whatever a manifest says, reading it neither crashes nor takes unbounded memory; what is accepted survives another
// round.
#include "core/repo/manifest.h"

#include "fuzz/target.h"

PITR_FUZZ_TARGET(manifest)(const uint8_t* data, size_t size) {
  const auto first = pitr::DecodeManifest(pitr::AsText({data, size}));
  if (!first.ok()) return 0;
  const std::string text = pitr::EncodeManifest(first.value());
  const auto second = pitr::DecodeManifest(text);
  if (!second.ok() || pitr::EncodeManifest(second.value()) != text) __builtin_trap();
  return 0;
}
