import ArgumentParser
import Billing
import Client

/// The account and month that a view is of.
struct PeriodOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A calendar month in UTC, such as 2023-11. Default: the month of now.",
            valueName: "yyyy-mm"))
    var period: String?

    func validate() throws {
        if let period, Period(month: period) == nil {
            throw ValidationError("--period \(period) is no month such as 2023-11")
        }
    }

    var value: Value? { period.map { .string($0) } }
}

/// `daybook usage ACCOUNT`.
struct UsageCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "usage",
        abstract: "Show what an account used in a month, by meter.",
        discussion: """
            Each meter's quantity is in the meter's own unit; groups follow where the catalog \
            groups the meter.

            Example: daybook usage acme --period 2023-11
            Example: daybook usage acme --at 2023-11-15
            """)

    @Argument(help: "The account, as events name it in `subject`.") var account: String
    @OptionGroup var month: PeriodOption
    @OptionGroup var time: MomentOptions
    @OptionGroup var books: BookOptions
    @OptionGroup var format: JSONOption

    var moment: MomentOptions? { time }

    func request() -> Request {
        Request("usage", ["account": .string(account), "period": month.value])
    }

    func lines(_ reply: Reply) -> [String] {
        var table = Table([.left("meter"), .left("group"), .right("quantity"), .right("events")])
        for meter in reply["meters"]?.elements ?? [] {
            table.add([
                meter["meter"].shown, "", meter["quantity"].grouped, meter["events"].grouped,
            ])
            for group in meter["groups"]?.elements ?? [] {
                table.add(["", group["by"].shown, group["quantity"].grouped, ""])
            }
        }
        let head = "usage of \(reply.shown("account")), \(reply.periodShown)"
        if table.isEmpty {
            return [head, "nothing that a meter of the current catalog counts"]
        }
        return [head, ""] + table.lines
    }
}

/// `daybook credits ACCOUNT`.
struct CreditsCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "credits",
        abstract: "Show an account's credit balance and the grants behind it.",
        discussion: """
            Which grants pay first is said by the catalog's credit order. Overage is what usage \
            cost beyond all grants; held is what open holds reserve. A wallet is prepaid money, \
            which finalised invoices draw from.

            Example: daybook credits acme
            Example: daybook credits acme --as-of 2026-03-01T12:00:00Z
            """)

    @Argument(help: "The account.") var account: String
    @OptionGroup var time: MomentOptions
    @OptionGroup var books: BookOptions
    @OptionGroup var format: JSONOption

    var moment: MomentOptions? { time }

    func request() -> Request { Request("credits", ["account": .string(account)]) }

    func lines(_ reply: Reply) -> [String] {
        var table = Table([
            .right("grant"), .right("position"), .left("kind"), .right("priority"),
            .left("effective"), .left("expires"), .right("amount"), .right("remaining"),
        ])
        for grant in reply["grants"]?.elements ?? [] {
            table.add([
                grant["grant"].shown, grant["position"].shown, grant["kind"].shown,
                grant["priority"].shown,
                grant["effective"].day, grant["expires"].day, grant["amount"].grouped,
                grant["remaining"].grouped,
            ])
        }
        func total(_ name: String, _ value: Value?) {
            table.total(["", "", "", "", "", "", name, value.grouped])
        }
        total("balance", reply["balance"])
        for name in ["held", "expired", "voided", "overage"]
        where reply[name].shown != "0" && reply[name] != nil { total(name, reply[name]) }
        for unit in reply["units"]?.elements ?? [] {
            total("\(unit["unit"].shown) balance", unit["balance"])
        }
        let holds = (reply["holds"]?.elements ?? []).map {
            "hold \($0["hold"].shown): \($0["quantity"].grouped) until \($0["expires"].day)"
        }
        let wallets = (reply["wallets"]?.elements ?? []).map { wallet in
            "wallet \(wallet["currency"].shown): \(wallet["left"].grouped) left of "
                + "\(wallet["deposited"].grouped) deposited, \(wallet["drawn"].grouped) drawn by "
                + "invoices, \(wallet["withdrawn"].grouped) withdrawn"
        }
        return ["\(reply.shown("unit")) of \(reply.shown("account"))", ""] + table.lines + holds
            + wallets
    }
}

/// `daybook entitlements ACCOUNT`.
struct EntitlementsCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "entitlements",
        abstract: "Show what an account may use, and what is left of it.",
        discussion: """
            `enforce` says what happens at the limit: hard refuses a consume, soft lets it pass, \
            credits asks the credit balance. Of a limit by a property each value that was used has \
            a row of its own.

            Example: daybook entitlements acme
            """)

    @Argument(help: "The account.") var account: String
    @OptionGroup var time: MomentOptions
    @OptionGroup var books: BookOptions
    @OptionGroup var format: JSONOption

    var moment: MomentOptions? { time }

    func request() -> Request { Request("entitlements", ["account": .string(account)]) }

    func lines(_ reply: Reply) -> [String] {
        var table = Table([
            .left("feature"), .left("kind"), .left("allowed"), .left("enforce"),
            .right("limit"), .right("used"), .right("remaining"), .left("resets"),
        ])
        for feature in reply["features"]?.elements ?? [] {
            table.add([
                feature["feature"].shown, feature["kind"].shown, feature["allowed"].shown,
                feature["enforce"].shown,
                feature["limit"].shown == "-" ? feature["value"].shown : feature["limit"].grouped,
                feature["used"].grouped, feature["remaining"].grouped, feature["resets_at"].day,
            ])
            for value in feature["values"]?.elements ?? [] {
                table.add([
                    "  \(feature["by"].shown) \(value["value"].shown)", "", "", "", "",
                    value["used"].grouped, value["remaining"].grouped, "",
                ])
            }
        }
        let head = Self.head(reply)
        return table.isEmpty
            ? head + ["it has no features"] : head + [""] + table.lines
    }

    private static func head(_ reply: Reply) -> [String] {
        let plan = reply["plan"].shown
        var line = "\(reply.shown("account")) is on \(plan == "-" ? "no plan" : "plan \(plan)")"
        if reply["archived"]?.flag == true { line += " and archived" }
        if let quantity = reply["quantity"]?.integer, quantity != 1 { line += " × \(quantity)" }
        if case .object(let addons)? = reply["addons"], !addons.isEmpty {
            line += " with "
            line += addons.map { "\($0.name) × \(Optional($0.value).shown)" }
                .joined(separator: ", ")
        }
        if reply["status"].shown != "-" {
            line += ", \(reply.shown("status")) since \(reply["status_since"].day)"
        }
        var lines = [line]
        if reply["ends"].shown != "-" { lines.append("it ends \(reply["ends"].day)") }
        for change in reply["coming"]?.elements ?? [] {
            let plan = change["plan"].shown
            lines.append(
                "from \(change["at"].day) on \(change["status"].shown)"
                    + (plan == "-" ? "" : ", plan \(plan)"))
        }
        return lines
    }
}
