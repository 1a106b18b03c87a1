import Bytes
import Platform

/// The sealed segments of a store at its start: what holds them together is checked, their blocks are
/// when they are read, and all of them by `verify`.
extension StoreScan {
    /// Opens each listed one and compares header and trailer with the manifest.
    func checkSealed(
        _ manifest: ManifestState, _ superblock: Superblock, into contents: inout StoreContents
    ) throws(LogFailure) {
        for record in manifest.sealed {
            let path = paths.sealed(record.id)
            let file = try openListed(path, "the manifest lists it", isFresh: false)
            defer { try? file.close() }
            _ = try SealedSegment.check(file, record, storeID: superblock.storeID)
            contents.bytes += SealedHeader.byteCount + SealedTrailer.byteCount
        }
        contents.sealed = manifest.sealed
    }

    /// Sorts what is in the directory. A file that no manifest lists is one that was not finished, or one
    /// that was replaced: its entries are in the listed files, which have all positions.
    func sortSealed(
        _ manifest: ManifestState, into contents: inout StoreContents
    ) throws(LogFailure) {
        // A store of version 1 has no such directory.
        let names = try mapped { () throws(SystemFailure) in
            try fileSystem.listIfPresent(paths.sealedSegments)
        }
        let listed = Set(manifest.sealed.map(\.id))
        contents.sealedIDMax = listed.max() ?? 0
        for name in names.sorted() {
            guard let id = StorePaths.id(of: name, prefix: "S-") else {
                contents.strangers.append((paths.sealedSegments, name))
                continue
            }
            contents.sealedIDMax = max(contents.sealedIDMax, id)
            if !listed.contains(id) { contents.leftovers.append(paths.sealed(id)) }
        }
    }
}
