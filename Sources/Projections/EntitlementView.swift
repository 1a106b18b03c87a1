package import Billing
import Bytes
package import Codec
import Money

/// What an account has bought and may use, as JSON.
extension Books {
    /// What an account may use at an instant: its subscription, and one row for each feature that its plan, an
    /// override or the feature's own default speaks of.
    package func writeEntitlements(
        account name: String, at time: Timestamp, to json: inout JSONWriter
    ) {
        let number = account(name)
        let standing = standing(of: number, at: time)
        let holding = standing.holding
        json.member("account", name)
        json.member("plan", standing.plan?.key)
        json.member("since", holding?.began.description)
        json.member("at", time.description)
        json.member(
            "archived", number.map { entitlements.account($0).isArchived(at: time) } ?? false)
        json.member("status", holding?.status.name)
        json.member("status_since", holding?.since.description)
        json.member("subscription", holding?.name)
        json.member("quantity", holding.map { UInt64($0.terms.quantity) })
        json.key("addons")
        json.beginObject()
        for addon in holding?.terms.addons ?? [] { json.member(addon.key, UInt64(addon.quantity)) }
        json.endObject()
        json.member("ends", holding?.cancelAt?.description)
        json.key("coming")
        json.beginArray()
        for change in coming(number, after: time) {
            json.beginObject()
            json.member("at", change.effective.description)
            json.member("status", change.status.name)
            json.member("plan", change.terms?.plan)
            json.endObject()
        }
        json.endArray()
        let overrides = number.map { entitlements.account($0) } ?? .init()
        var keys = Set(standing.plan?.entitlements.map(\.feature) ?? [])
        for feature in registry.features.values
        where feature.isOnByDefault || overrides.override(of: feature.key, at: time) != nil {
            keys.insert(feature.key)
        }
        json.key("features")
        json.beginArray()
        for key in keys.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
            guard let feature = registry.features[key] else { continue }
            let override = overrides.override(of: key, at: time)
            writeFeature(feature, standing, override, name, time, to: &json)
        }
        json.endArray()
    }

    private func coming(_ account: UInt32?, after time: Timestamp) -> [SubscriptionChange] {
        (account.map { entitlements.account($0).own } ?? []).filter {
            $0.effective > time && $0.revokedAt == nil
        }
    }

    private func writeFeature(
        _ feature: Feature, _ standing: Standing, _ override: Override?, _ account: String,
        _ time: Timestamp, to json: inout JSONWriter
    ) {
        let allowance =
            override?.allowance(for: standing) ?? standing.plan?.entitlement(feature.key)?.allowance
        let limit: Limit? = if case .limit(let limit)? = allowance { limit } else { nil }
        // Of a limit by a property: of a value that nobody has used.
        let data = limit?.by?.reversed().reduce(Value.object(of: [("", .null)])) {
            .object(of: [($1, $0)])
        }
        func asked(_ units: Int128) -> (OutcomeDecision, Evidence) {
            check(
                AccessQuestion(
                    account: account, feature: feature.key, quantity: Quantity(units: units),
                    data: data), at: time)
        }
        let (now, evidence) = asked(0)
        let isMetered = feature.meterKey != nil
        // A limit that is used up still allows zero more: ask for the smallest amount there is.
        let (next, _) = asked(isMetered ? 1 : 0)
        json.beginObject()
        json.member("feature", feature.key)
        json.member("kind", isMetered ? "metered" : feature.valueKind == nil ? "switch" : "value")
        json.member("allowed", next.allowed)
        json.member("reason", next.allowed ? now.reason.name : next.reason.name)
        json.member("limit", evidence.limit?.description)
        json.member("enforce", enforcement(of: feature, evidence))
        let isApart = limit?.by != nil
        json.member("used", isMetered && !isApart ? evidence.used?.description : nil)
        json.member("remaining", isApart ? nil : evidence.remaining?.description)
        json.member("resets_at", evidence.resetsAt?.description)
        if let limit {
            json.member("reset", limit.window.text)
            json.member("by", limit.by?.joined(separator: "."))
            if isApart { writeApart(limit, feature, standing, account, time, to: &json) }
        }
        if let value = evidence.value {
            json.key("value")
            json.value(value.json)
        }
        if let override {
            json.key("override")
            json.beginObject()
            json.member("position", override.position)
            json.member("expires", override.expires?.description)
            json.endObject()
        }
        json.endObject()
    }

    /// The most values of a property that are listed.
    private static let valuesMax = 1_000

    /// What is used of a limit by a property, value by value.
    private func writeApart(
        _ limit: Limit, _ feature: Feature, _ standing: Standing, _ account: String,
        _ time: Timestamp, to json: inout JSONWriter
    ) {
        json.key("values")
        json.beginArray()
        defer { json.endArray() }
        guard let account = self.account(account),
            let meter = feature.meterKey.flatMap({ registry.meter($0) })
        else { return }
        let place = place(of: limit, meter: meter, account: account, standing, [], at: time)
        guard let definition = place.definition else { return }
        for used in limits.usages(definition, from: place.window.start, of: account)
            .prefix(Self.valuesMax)
        {
            let units = Quantity(units: used.units)
            json.beginObject()
            json.key("value")
            json.value((try? ValueCoder.value(used.scope.raw)) ?? .null)
            json.member("used", units.description)
            json.member(
                "remaining", max(limit.amount.subtracting(units) ?? .zero, .zero).description)
            json.endObject()
        }
    }

    /// How use beyond what is there is stopped: `hard`, `soft`, `credits`, or nil for not at all.
    private func enforcement(of feature: Feature, _ evidence: Evidence) -> String? {
        if let isHard = evidence.isHard { return isHard ? "hard" : "soft" }
        guard let number = feature.meterKey.flatMap({ registry.meter($0) }) else { return nil }
        return registry.consumeMeter(number).burn == nil ? nil : "credits"
    }
}

extension FeatureValue {
    /// As replies have it: a number as a text, one word, or a list of words.
    package var json: Value {
        switch self {
        case .number(let number): .string(number.description)
        case .words(let words):
            words.count == 1 ? .string(words[0]) : .array(words.map { .string($0) })
        }
    }
}
