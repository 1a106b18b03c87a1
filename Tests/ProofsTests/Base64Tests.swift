import Testing

@testable import Proofs

/// One text for each sequence of bytes.
@Suite struct Base64Tests {
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ]) func theVectorsOfRFC4648(plain: String, text: String) {
        #expect(Base64.text(Array(plain.utf8)) == text)
        #expect(Base64.bytes(text) == Array(plain.utf8))
    }

    @Test(arguments: [
        "Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zm8=Zm8=", "====", "Zg==\n", "Zm 8", "Zm-_", "=Zg=",
        "Zm\u{e9}",
    ]) func otherSpellingsAreRefused(text: String) {
        #expect(Base64.bytes(text) == nil)
    }
}
