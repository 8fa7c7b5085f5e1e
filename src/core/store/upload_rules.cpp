#include "core/store/upload_rules.h"

namespace pitr {
namespace {

constexpr uint64_t kMaxPartBytes = uint64_t{5} << 30;  // S3's limit

Status Broken(const std::string& key, const std::string& why) {
  return {Code::kInvalidArgument, "upload of \"" + key + "\": " + why};
}

}  // namespace

Status CheckPart(const std::string& key, int number, uint64_t offset, size_t length) {
  if (number < 1 || number > kMaxUploadParts)
    return Broken(key, "part number " + std::to_string(number) + " is outside 1.." + std::to_string(kMaxUploadParts));
  if (length > kMaxPartBytes) return Broken(key, "part " + std::to_string(number) + " is larger than 5 GiB");
  if ((number == 1) != (offset == 0))
    return Broken(key, "part " + std::to_string(number) + " cannot begin at offset " + std::to_string(offset));
  return Status::Ok();
}

Result<uint64_t> CheckParts(const std::string& key, const std::vector<PartExtent>& parts, size_t min_part_bytes) {
  if (parts.empty()) return Broken(key, "it has no parts");
  uint64_t size = 0;
  for (size_t i = 0; i < parts.size(); i++) {
    const PartExtent& part = parts[i];
    const bool last = i + 1 == parts.size();
    std::string name = "part " + std::to_string(part.number);
    if (part.number != static_cast<int>(i) + 1) return Broken(key, name + " is out of order or follows a gap");
    if (part.offset != size)
      return Broken(key, name + " begins at " + std::to_string(part.offset) + ", expected " + std::to_string(size));
    if (!last && part.length < min_part_bytes)
      return Broken(key, name + " has " + std::to_string(part.length) + " bytes, fewer than the minimum of " +
                             std::to_string(min_part_bytes));
    if (part.length != parts[0].length && (!last || part.length > parts[0].length))
      return Broken(key, name + " differs in size from part 1");
    size += part.length;
  }
  return size;
}

}  // namespace pitr
