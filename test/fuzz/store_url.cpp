// Anything as the URL, endpoint, addressing or tags of a store. What is accepted makes requests to that place and no
// other.
#include <cstdlib>
#include <string>

#include "core/base/bytes.h"
#include "core/config/store_config.h"
#include "core/store/s3_config.h"
#include "fuzz/target.h"

PITR_FUZZ_TARGET(store_url)(const uint8_t* data, size_t size) {
  using namespace pitr;
  const std::string text(AsText({data, size}));
  if (const auto url = ParseS3Url(text); url.ok()) {
    if (url.value().bucket.empty() || url.value().prefix.starts_with('/') || url.value().prefix.ends_with('/')) abort();
    (void)CheckS3Config(url.value());
  }
  (void)ParseS3Addressing(text);
  (void)ParseS3Tags(text);
  S3Config config;
  config.bucket = "bucket";
  config.endpoint = text;
  const auto endpoint = ResolveS3Endpoint(config);
  if (endpoint.ok() && !endpoint.value().origin.starts_with("https://") &&
      !endpoint.value().origin.starts_with("http://"))
    abort();
  if (endpoint.ok() && endpoint.value().origin.find_first_of("@?#\r\n ") != std::string::npos) abort();
  Config whole;
  whole.repository = text;
  (void)MakeStoreConfig(whole);
  return 0;
}
