#include "core/store/tls_refusal.h"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <array>
#include <memory>

namespace pitr {
namespace {

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};

std::string NameText(X509_NAME* name) {
  const std::unique_ptr<BIO, FreeBio> text(BIO_new(BIO_s_mem()));
  if (text == nullptr || X509_NAME_print_ex(text.get(), name, 0, XN_FLAG_ONELINE & ~XN_FLAG_SPC_EQ) < 0) return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  return size > 0 ? std::string(data, static_cast<size_t>(size)) : std::string();
}

int Verify(X509_STORE_CTX* context, void* refusal) noexcept {
  const int good = X509_verify_cert(context);
  if (good > 0) return good;
  try {
    auto* noted = static_cast<TlsRefusal*>(refusal);
    noted->error = X509_STORE_CTX_get_error(context);
    X509* at = X509_STORE_CTX_get_current_cert(context);
    noted->issuer = at == nullptr ? "" : NameText(X509_get_issuer_name(at));
  } catch (...) {}
  return good;
}

bool IsUnknownAuthority(int error) {
  switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_CERT_UNTRUSTED:
      return true;
    default:
      return false;
  }
}

}  // namespace

void NoteRefusal(void* ssl_context, TlsRefusal* refusal) noexcept {
  SSL_CTX_set_cert_verify_callback(static_cast<SSL_CTX*>(ssl_context), &Verify, refusal);
}

Status DescribeRefusal(const TlsRefusal& refusal, const std::string& ca_file, const std::string& why) {
  if (IsUnknownAuthority(refusal.error)) {
    const std::string authorities =
        ca_file.empty() ? "this system's authorities" : "the authorities in \"" + ca_file + "\"";
    Status status(Code::kPermission, authorities + " did not sign the server's TLS certificate");
    return std::move(status)
        .WithDetail("Its issuer is \"" + refusal.issuer + "\".")
        .WithHint(ca_file.empty() ? "If that is your own authority, name the file with its certificate in s3_ca_file."
                                  : "If you trust that issuer, put its certificate into the file, which s3_ca_file "
                                    "names; otherwise check s3_endpoint.");
  }
  Status status(Code::kPermission, "the server's TLS certificate was refused: " + why);
  if (refusal.error == X509_V_ERR_CERT_HAS_EXPIRED || refusal.error == X509_V_ERR_CERT_NOT_YET_VALID)
    return std::move(status).WithHint("Renew the certificate, or set this machine's clock right.");
  return std::move(status).WithHint("The certificate must be valid for the host that s3_endpoint names.");
}

bool IsNoTls(const std::string& why) {
  for (const char* sign : {"wrong version number", "packet length too long", "http request", "record layer failure"})
    if (why.find(sign) != std::string::npos) return true;
  return false;
}

}  // namespace pitr
