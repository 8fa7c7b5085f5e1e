// Starts no thread.
#include "core/store/s3_xml.h"

#include <gtest/gtest.h>

#include "core/store/s3_time.h"

namespace pitr {
namespace {

TEST(S3Xml, ListingWithAndWithoutNamespaceAndEncoding) {
  auto listing = ParseListing(R"(<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><IsTruncated>true</IsTruncated>
<EncodingType>url</EncodingType>
<Contents><Key>p/a%2Bb%3Dc+d</Key><LastModified>2026-11-23T00:11:26.500Z</LastModified><Size>7</Size></Contents>
<Contents><Key>p%2Fz</Key><LastModified>nonsense</LastModified><Size>18446744073709551615</Size></Contents></ListBucketResult>)");
  ASSERT_TRUE(listing.ok()) << listing.status().ToString();
  EXPECT_TRUE(listing.value().truncated);
  ASSERT_EQ(listing.value().objects.size(), 2u);
  EXPECT_EQ(listing.value().objects[0].key, "p/a+b=c d");
  EXPECT_EQ(listing.value().objects[0].size, 7u);
  EXPECT_EQ(listing.value().objects[0].modified_micros, int64_t{1795392686} * 1000000 + 500000);
  EXPECT_EQ(listing.value().objects[1].key, "p/z");
  EXPECT_EQ(listing.value().objects[1].size, UINT64_MAX);
  EXPECT_EQ(listing.value().objects[1].modified_micros, 0);

  listing = ParseListing(
      "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a+b%20&amp;</Key><Size>1</Size></Contents>"
      "</ListBucketResult>");
  ASSERT_TRUE(listing.ok());
  EXPECT_EQ(listing.value().objects[0].key, "a+b%20&");
}

TEST(S3Xml, UnusableListings) {
  for (const char* xml :
       {"", "   ", "<html><body>Sign in</body></html>", "<ListBucketResult>", "<ListBucketResult></ListBucketResult>",
        "<ListBucketResult><IsTruncated>maybe</IsTruncated></ListBucketResult>",
        "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a</Key></Contents></ListBucketResult>",
        "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key></Key><Size>1</Size></Contents></"
        "ListBucketResult>",
        "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a</Key><Size>-1</Size></Contents></"
        "ListBucketResult>",
        "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a</Key><Size>99999999999999999999</Size></"
        "Contents></ListBucketResult>",
        "<ListBucketResult><IsTruncated>false</IsTruncated><EncodingType>url</EncodingType><Contents><Key>a%4</"
        "Key><Size>1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a</Key><Si"})
    EXPECT_EQ(ParseListing(xml).code(), Code::kUnavailable) << xml;
}

TEST(S3Xml, EveryPrefixOfADocumentIsRefusedOrWhole) {
  const std::string xml =
      "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a</Key><Size>1</Size></Contents></"
      "ListBucketResult>";
  for (size_t n = 0; n < xml.size(); n++) EXPECT_FALSE(ParseListing(std::string_view(xml).substr(0, n)).ok()) << n;
}

TEST(S3Xml, DepthAndSizeAreBounded) {
  std::string deep = "<Error>";
  for (int i = 0; i < 100000; i++) deep += "<a>";
  for (int i = 0; i < 100000; i++) deep += "</a>";
  EXPECT_FALSE(ParseS3Error(deep + "<Code>X</Code></Error>"));
  EXPECT_TRUE(ParseS3Error("<Error><a/><Code>X</Code></Error>"));
  EXPECT_FALSE(ParseS3Error("<Error><Code>X</Code>" + std::string(kMaxXmlBytes, ' ') + "</Error>"));
}

TEST(S3Xml, EntitiesOfADtdAreNotResolved) {
  auto error = ParseS3Error(
      "<!DOCTYPE Error [<!ENTITY x SYSTEM "
      "\"file:///etc/passwd\">]><Error><Code>A</Code><Message>&x;</Message></Error>");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message, "&x;");
}

TEST(S3Xml, Errors) {
  auto error = ParseS3Error(
      "<?xml version=\"1.0\"?>\n<Error><Code>AuthorizationHeaderMalformed</Code><Message>m &lt;</Message>"
      "<Region>eu-west-1</Region><RequestId>R</RequestId></Error>");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, "AuthorizationHeaderMalformed");
  EXPECT_EQ(error->message, "m <");
  EXPECT_EQ(error->region, "eu-west-1");
  EXPECT_EQ(error->request_id, "R");
  EXPECT_EQ(ParseS3Error("<ErrorResponse xmlns=\"x\"><Error><Code>ExpiredTokenException</Code></Error></ErrorResponse>")
                ->code,
            "ExpiredTokenException");
  EXPECT_FALSE(ParseS3Error("<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"));
  EXPECT_FALSE(ParseS3Error("<Error></Error>"));
}

TEST(S3Xml, Uploads) {
  EXPECT_EQ(
      ParseInitiatedUpload("<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")
          .value(),
      "u");
  EXPECT_FALSE(ParseInitiatedUpload("<InitiateMultipartUploadResult/>").ok());
  // S3 keeps the connection alive with blanks before the document.
  EXPECT_TRUE(ParseCompletedUpload(
                  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n   \n <CompleteMultipartUploadResult><ETag>e</ETag>"
                  "</CompleteMultipartUploadResult>")
                  .ok());
  EXPECT_TRUE(
      ParseCompletedUpload("<CompleteMultipartUploadResult><Key>k</Key><ETag></ETag></CompleteMultipartUploadResult>")
          .ok());
  EXPECT_EQ(ParseCompletedUpload("<CompleteMultipartUploadResult/>").code(), Code::kUnavailable);
  auto uploads = ParseUploads(
      "<ListMultipartUploadsResult><NextKeyMarker>k</NextKeyMarker><NextUploadIdMarker>m</NextUploadIdMarker>"
      "<IsTruncated>true</IsTruncated><Upload><Key>p/a</Key><UploadId>1</UploadId>"
      "<Initiated>2026-11-23T00:11:26Z</Initiated></Upload></ListMultipartUploadsResult>");
  ASSERT_TRUE(uploads.ok());
  EXPECT_TRUE(uploads.value().truncated);
  EXPECT_EQ(uploads.value().next_key_marker, "k");
  EXPECT_EQ(uploads.value().next_upload_id_marker, "m");
  EXPECT_EQ(uploads.value().uploads.at(0).upload_id, "1");
  EXPECT_EQ(uploads.value().uploads.at(0).initiated_micros, int64_t{1795392686} * 1000000);
}

TEST(S3Xml, DeleteResults) {
  EXPECT_TRUE(ParseDeleteResult("<DeleteResult/>").value().empty());
  auto errors = ParseDeleteResult(
      "<DeleteResult><Deleted><Key>a</Key></Deleted><Error><Key>b</Key><Code>AccessDenied</Code></Error></"
      "DeleteResult>");
  ASSERT_EQ(errors.value().size(), 1u);
  EXPECT_EQ(errors.value()[0].key, "b");
  EXPECT_EQ(errors.value()[0].code, "AccessDenied");
  EXPECT_FALSE(ParseDeleteResult("").ok());
}

TEST(S3Xml, RequestDocumentsEscape) {
  EXPECT_NE(DeleteRequestXml({"a&b<c>\"d"}).find("<Key>a&amp;b&lt;c&gt;&quot;d</Key>"), std::string::npos);
  EXPECT_NE(CompleteRequestXml({{3, "\"e\""}}).find("<PartNumber>3</PartNumber><ETag>&quot;e&quot;</ETag>"),
            std::string::npos);
}

TEST(S3Time, BothForms) {
  constexpr int64_t kMoment = int64_t{1795392686} * 1000000;
  EXPECT_EQ(ParseIsoTime("2026-11-23T00:11:26Z"), kMoment);
  EXPECT_EQ(ParseIsoTime("2026-11-23T00:11:26.123456789Z"), kMoment + 123456);
  EXPECT_EQ(ParseIsoTime("2026-11-23T00:11:26.000+00:00"), kMoment);
  EXPECT_EQ(ParseHttpTime("Mon, 23 Nov 2026 00:11:26 GMT"), kMoment);
  EXPECT_EQ(FormatIsoTime(kMoment), "2026-11-23T00:11:26Z");
  for (const char* text : {"", "2026", "2026-11-23", "2026-13-23T00:11:26Z", "2026-11-23T00:11:26",
                           "2026-11-23T00:11:26+01:00", "x026-11-23T00:11:26Z"})
    EXPECT_FALSE(ParseIsoTime(text)) << text;
  for (const char* text : {"", "Mon, ", "Mon, 23 Nov", "Mon, 23 Nvo 2026 00:11:26 GMT", "Mon, 23 ovD 2026 00:11:26 GMT",
                           "Monday, 23-Nov-26 00:11:26 GMT"})
    EXPECT_FALSE(ParseHttpTime(text)) << text;
}

}  // namespace
}  // namespace pitr
