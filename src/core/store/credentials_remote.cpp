// See credentials_remote.h.
#include "core/store/credentials_remote.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "core/base/json.h"
#include "core/store/http.h"
#include "core/store/s3_time.h"
#include "core/store/s3_xml.h"

namespace pitr {
namespace {

constexpr size_t kMaxTokenBytes = size_t{64} << 10;

// The caller's deadline or our own shorter one.
OpContext Within(const OpContext& ctx, int64_t timeout_ms) {
  OpContext bounded = ctx;
  int64_t now = ctx.clock->SteadyMillis();
  bounded.deadline_millis = std::min(ctx.deadline_millis, now + timeout_ms);
  return bounded;
}

HttpSettings MetadataSettings(const CredentialsConfig& config) {
  HttpSettings settings;
  settings.connect_timeout_ms = config.metadata_timeout_ms;
  settings.stall_timeout_ms = config.metadata_timeout_ms;
  return settings;
}

// A token in a file, without its line end. The path comes from the environment of the process.
Result<std::string> ReadToken(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.good() && !file.eof()) return Status(Code::kPermission, "could not read token file \"" + path + "\"");
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (text.empty() || text.size() > kMaxTokenBytes || text.find_first_of("\r\n") != text.npos)
    return Status(Code::kPermission, "token file \"" + path + "\" is missing, empty or unusable");
  return text;
}

// The body of a 200; 4xx is kPermission, anything else kUnavailable.
Result<std::string> Fetch(HttpClient* http, HttpRequest request, const OpContext& ctx) {
  PITR_ASSIGN(HttpResponse response, http->Do(request, nullptr, ctx));
  if (response.status == 200) return std::move(response.body);
  bool refused = response.status >= 400 && response.status < 500 && response.status != 408 && response.status != 429;
  std::string why = "could not " + request.operation + ": HTTP " + std::to_string(response.status);
  if (auto error = ParseS3Error(response.body)) why += " " + error->code;
  return Status(refused ? Code::kPermission : Code::kUnavailable, why);
}

class WebIdentitySource final : public CredentialSource {
 public:
  WebIdentitySource(const CredentialsConfig& config, const Clock& clock)
      : clock_(clock),
        token_file_(config.environment("AWS_WEB_IDENTITY_TOKEN_FILE").value_or("")),
        role_(config.environment("AWS_ROLE_ARN").value_or("")),
        session_(config.environment("AWS_ROLE_SESSION_NAME").value_or("")),
        endpoint_(config.sts_endpoint.empty() ? config.environment("AWS_ENDPOINT_URL_STS").value_or("")
                                              : config.sts_endpoint),
        http_({.ca_file = endpoint_.empty() ? "" : config.ca_file,  // AWS is known to the system's bundle
               .proxy = config.proxy,
               .connect_timeout_ms = 5000,
               .stall_timeout_ms = 10000}) {
    if (endpoint_.empty())
      endpoint_ =
          "https://sts." + config.region + (config.region.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com");
  }
  std::string Name() const override { return "web identity"; }

  Result<AwsCredentials> Load(const OpContext& ctx) override {
    if (token_file_.empty()) return Status(Code::kNotFound, "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
    if (role_.empty()) return Status(Code::kPermission, "AWS_WEB_IDENTITY_TOKEN_FILE is set but AWS_ROLE_ARN is not");
    PITR_ASSIGN(std::string token, ReadToken(token_file_));
    std::string session = session_.empty() ? "pg_pitr-" + std::to_string(clock_.WallMicros()) : session_;
    std::string body = CanonicalQuery({{"Action", "AssumeRoleWithWebIdentity"},
                                       {"Version", "2011-06-15"},
                                       {"RoleArn", role_},
                                       {"RoleSessionName", session},
                                       {"WebIdentityToken", token}});
    HttpRequest request{
        .method = "POST", .url = endpoint_ + "/", .body = AsBytes(body), .operation = "assume role " + role_};
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
    PITR_ASSIGN(std::string xml, Fetch(&http_, request, Within(ctx, 15000)));
    return ParseAssumedRole(xml);
  }

 private:
  const Clock& clock_;
  const std::string token_file_;
  const std::string role_;
  const std::string session_;
  std::string endpoint_;
  HttpClient http_;
};

class ContainerSource final : public CredentialSource {
 public:
  explicit ContainerSource(const CredentialsConfig& config)
      : environment_(config.environment), timeout_ms_(config.metadata_timeout_ms), http_(MetadataSettings(config)) {
    if (auto relative = environment_("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")) {
      url_ = config.container_endpoint + *relative;
    } else {
      url_ = environment_("AWS_CONTAINER_CREDENTIALS_FULL_URI").value_or("");
      full_ = true;
    }
    token_ = environment_("AWS_CONTAINER_AUTHORIZATION_TOKEN").value_or("");
    token_file_ = environment_("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").value_or("");
  }
  std::string Name() const override { return "container endpoint"; }

  Result<AwsCredentials> Load(const OpContext& ctx) override {
    if (url_.empty())
      return Status(Code::kNotFound, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI are not set");
    if (full_ && !Allowed(url_))
      return Status(Code::kPermission, "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor a local address");
    std::string token = token_;
    if (!token_file_.empty()) { PITR_ASSIGN(token, ReadToken(token_file_)); }
    HttpRequest request{.method = "GET", .url = url_, .operation = "get container credentials"};
    if (!token.empty()) request.headers = {{"Authorization", token}};
    PITR_ASSIGN(std::string json, Fetch(&http_, request, Within(ctx, 2 * timeout_ms_)));
    return ParseCredentialsJson(json);
  }

 private:
  // The token must not travel in the clear to anything but this machine and the container hosts.
  static bool Allowed(std::string_view url) {
    if (url.starts_with("https://")) return true;
    for (std::string_view host :
         {"127.0.0.1", "localhost", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"}) {
      std::string origin = "http://" + std::string(host);
      if (url.starts_with(origin + "/") || url.starts_with(origin + ":") || url == origin) return true;
    }
    return false;
  }

  const Environment environment_;
  const int64_t timeout_ms_;
  std::string url_;
  bool full_ = false;
  std::string token_;
  std::string token_file_;
  HttpClient http_;
};

class InstanceMetadataSource final : public CredentialSource {
 public:
  explicit InstanceMetadataSource(const CredentialsConfig& config)
      : endpoint_(config.metadata_endpoint),
        disabled_(config.environment("AWS_EC2_METADATA_DISABLED").value_or("") == "true"),
        timeout_ms_(config.metadata_timeout_ms),
        http_(MetadataSettings(config)) {}
  std::string Name() const override { return "EC2 instance metadata"; }

  Result<AwsCredentials> Load(const OpContext& ctx) override {
    if (disabled_) return Status(Code::kNotFound, "AWS_EC2_METADATA_DISABLED is true");
    auto loaded = LoadRole(ctx);
    // Not being on EC2 looks like a service that does not answer; it is the last source, so say "not set".
    if (!known_ && loaded.code() == Code::kUnavailable && !ctx.cancelled())
      return Status(Code::kNotFound, loaded.status().message());
    known_ = known_ || loaded.ok();
    return loaded;
  }

 private:
  Result<AwsCredentials> LoadRole(const OpContext& ctx) {
    HttpRequest ask{.method = "PUT", .url = endpoint_ + "/latest/api/token", .operation = "get a metadata token"};
    ask.headers = {{"X-aws-ec2-metadata-token-ttl-seconds", "300"}};
    PITR_ASSIGN(std::string token, Fetch(&http_, ask, Within(ctx, timeout_ms_)));
    if (token.empty() || token.find_first_of("\r\n") != token.npos)
      return Status(Code::kUnavailable, "metadata token is unusable");
    const std::string base = endpoint_ + "/latest/meta-data/iam/security-credentials/";
    HttpRequest get{.method = "GET", .url = base, .operation = "get the instance's role"};
    get.headers = {{"X-aws-ec2-metadata-token", token}};
    PITR_ASSIGN(std::string role, Fetch(&http_, get, Within(ctx, timeout_ms_)));
    role = role.substr(0, role.find_first_of("\r\n"));
    if (role.empty()) return Status(Code::kPermission, "the instance has no role");
    get.url = base + UriEncode(role, false);
    get.operation = "get credentials of the instance's role";
    PITR_ASSIGN(std::string json, Fetch(&http_, get, Within(ctx, timeout_ms_)));
    return ParseCredentialsJson(json);
  }

  const std::string endpoint_;
  const bool disabled_;
  const int64_t timeout_ms_;
  bool known_ = false;  // it has answered before
  HttpClient http_;
};

}  // namespace

Result<AwsCredentials> ParseCredentialsJson(std::string_view text) {
  auto bad = [] { return Status(Code::kUnavailable, "answer of the credentials endpoint is not usable"); };
  const auto parsed = ParseJson(text);
  if (!parsed.ok() || !parsed.value().is_object()) return bad();
  const Json& json = parsed.value();
  auto field = [&](const char* name) {
    auto at = json.find(name);
    return at != json.end() && at->is_string() ? at->get<std::string>() : std::string();
  };
  std::string code = field("Code");
  if (!code.empty() && code != "Success")
    return Status(Code::kPermission, "the credentials endpoint answered " + code.substr(0, 64));
  AwsCredentials credentials{field("AccessKeyId"), field("SecretAccessKey"), field("Token")};
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty()) return bad();
  std::string expiration = field("Expiration");
  if (!expiration.empty()) {
    auto expires = ParseIsoTime(expiration);
    if (!expires) return bad();
    credentials.expires_micros = *expires;
  }
  return credentials;
}

std::unique_ptr<CredentialSource> MakeWebIdentitySource(const CredentialsConfig& config, const Clock& clock) {
  return std::make_unique<WebIdentitySource>(config, clock);
}
std::unique_ptr<CredentialSource> MakeContainerSource(const CredentialsConfig& config) {
  return std::make_unique<ContainerSource>(config);
}
std::unique_ptr<CredentialSource> MakeInstanceMetadataSource(const CredentialsConfig& config) {
  return std::make_unique<InstanceMetadataSource>(config);
}

}  // namespace pitr
