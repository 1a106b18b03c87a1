import Billing
import Money
import Seeds
import Testing

/// The credits of an account over time: what falls due by itself, holds, and what goes back.
@Suite struct CreditAccountTests {
    static let start = Timestamp(nanoseconds: 1_767_225_600_000_000_000)
    static let hour: Int64 = 3_600_000_000_000
    static let day = 24 * hour

    static func at(_ nanoseconds: Int64) -> Timestamp {
        Timestamp(nanoseconds: start.nanoseconds + nanoseconds)
    }

    @Test func theRowsOfBurning() {
        // B-02
        var life = CreditLife()
        life.grant(100, until: Self.hour)
        life.grant(100, until: 2 * Self.hour)
        life.use(120, 1)
        #expect(life.left(1) == ["0", "80"])
        // B-05
        life = CreditLife()
        life.use(50, 1)
        #expect(life.overage == "50" && life.balance(1) == "0")
        // B-06
        life = CreditLife()
        let grant = life.grant(100)
        life.use(50, 1)
        #expect(life.void(grant))
        life.use(50, 2)
        #expect(life.overage == "50" && life.balance(2) == "0")
        #expect(life.account.totals(of: "u").voided == CreditLife.credits(50).units)
        #expect(!life.void(grant) && !life.void(7))
        // B-08
        life = CreditLife()
        life.grant(100, until: 5)
        life.use(10, 5)
        #expect(life.balance(5) == "0" && life.overage == "10")
        // B-17
        life = CreditLife()
        let paid = life.grant(50, priority: 1, until: 100)
        let promotional = life.grant(20, priority: 1, until: 100, kind: .promotional)
        let other = life.grant(100, priority: 2, until: 50, kind: .promotional)
        life.use(60, 1)
        #expect(life.account.grants[Int(promotional)].remaining == .zero)
        #expect(life.account.grants[Int(paid)].remaining == CreditLife.credits(10))
        #expect(life.account.grants[Int(other)].remaining == CreditLife.credits(100))
        // B-19
        life = CreditLife()
        life.grant(100, until: 10)
        life.use(63, 1)
        life.go(10)
        let totals = life.account.totals(of: "u")
        #expect(
            totals.expired == CreditLife.credits(37).units
                && totals.drawn == CreditLife.credits(63).units)
        // B-31
        life = CreditLife()
        life.grant(10)
        life.use(15, 1)
        #expect(life.balance(1) == "0" && life.overage == "5")
        // B-32
        life = CreditLife()
        for (amount, until) in [(10, 10), (15, 15), (20, nil)] as [(Int128, Int64?)] {
            life.grant(amount, until: until)
        }
        life.use(5, 1)
        #expect(life.left(1) == ["5", "15", "20"])
        life.use(10, 2)
        #expect(life.left(2) == ["0", "10", "20"])
    }

    /// B-04, B-09, B-10: what recurs.
    @Test func theRowsOfRecurring() {
        var life = CreditLife()
        life.recur(100, 0, every: 1, .day)
        life.use(120, Self.hour)
        #expect(life.overage == "20")
        #expect(life.balance(Self.day) == "80")
        for isMore in [false, true] {
            life = CreditLife()
            life.grant(80, priority: 3)
            life.recur(
                100, 0, every: 1, .week, from: Self.day, anchor: 3 * Self.day, priority: 1)
            life.use(20, Self.hour)
            life.use(20, Self.day - 1_000_000_000)
            life.use(20, Self.day)
            if isMore { life.use(20, 3 * Self.day) }
            #expect(life.left(10 * Self.day) == ["40", "100"])
            #expect(
                life.left(10 * Self.day - Self.hour) == ["40", isMore ? "80" : "100"], "\(isMore)")
        }
    }

    /// B-12, B-14, B-16: what a reset leaves; B-40, B-41: what goes over by itself.
    @Test func theRowsOfRollover() {
        func rollover(_ max: Int128, _ min: Int128 = 0) -> Rollover {
            Rollover(max: CreditLife.credits(max), min: CreditLife.credits(min))
        }
        var life = CreditLife()
        life.grant(90, rollover: rollover(50))
        life.account.reset("u")
        #expect(life.balance(0) == "50")
        life = CreditLife()
        life.grant(1000, rollover: rollover(1000))
        life.grant(1000, rollover: rollover(100))
        life.use(600, 1)
        life.account.reset("u")
        #expect(life.left(1) == ["400", "100"])
        life = CreditLife()
        life.grant(1000, rollover: rollover(1000))
        life.grant(1000, rollover: rollover(500, 500))
        life.use(2600, 1)
        #expect(life.overage == "600")
        life.account.reset("u")
        life.check()
        #expect(life.balance(1) == "0" && life.overage == "100")
        // B-40
        life = CreditLife()
        life.recur(400, 0, every: 1, .day, rollover: rollover(500))
        life.use(250, 1)
        #expect(life.balance(Self.day) == "550")
        #expect(life.left(2 * Self.day) == ["500", "400"])
        life.use(150, 2 * Self.day)
        #expect(life.left(2 * Self.day) == ["350", "400"])
        life.use(400, 2 * Self.day + 1)
        #expect(life.balance(2 * Self.day + 1) == "350")
        // A hold that ends at the very boundary takes nothing away from what goes over.
        life = CreditLife()
        life.recur(400, 0, every: 1, .day, rollover: rollover(500))
        _ = life.hold(10, 1, for: Self.day - 1)
        #expect(life.balance(Self.day) == "800")
        // B-41
        life = CreditLife()
        life.recur(400, 0, every: 1, .day, rollover: Rollover(max: nil))
        life.use(300, 1)
        #expect(life.left(Self.day) == ["100", "400"])
    }

    /// B-35, B-38, B-39: corrections unwind in reverse.
    @Test func theRowsOfCorrections() {
        var life = CreditLife()
        life.grant(20, until: 10)
        var use = life.use(20, 1)
        #expect(life.refund(8, of: use, 2))
        #expect(life.left(2) == ["8"] && life.left(10) == [])
        #expect(!life.refund(13, of: use, 3) && life.refund(12, of: use, 3))
        #expect(!life.refund(1, of: use, 3))
        // What comes back after the end has expired at once.
        life = CreditLife()
        life.grant(20, until: 10)
        use = life.use(20, 1)
        #expect(life.refund(8, of: use, 12))
        #expect(life.balance(12) == "0")
        #expect(life.account.totals(of: "u").expired == CreditLife.credits(8).units)
        // B-38
        life = CreditLife(repays: false)
        life.grant(100, cost: 25)
        use = life.use(120, 1)
        #expect(life.balance(1) == "0" && life.overage == "20")
        #expect(life.refund(40, of: use, 2))
        #expect(life.balance(2) == "20" && life.overage == "0")
        #expect(life.account.totals(of: "u").used == CreditLife.credits(80).units)
        // Overage that was repaid goes back to who paid it, and nothing is lost.
        life = CreditLife()
        use = life.use(30, 1)
        let payers = [life.grant(20, 2), life.grant(40, 3)]
        #expect(life.refund(25, of: use, 4))
        #expect(life.account.grants[Int(payers[1])].remaining == CreditLife.credits(40))
        #expect(life.account.grants[Int(payers[0])].remaining == CreditLife.credits(15))
        #expect(life.account.totals(of: "u").used == CreditLife.credits(5).units)
        // B-39: each correction is of its own use.
        life = CreditLife()
        let dollars = life.grant(100, priority: 1)
        let euros = life.grant(50, priority: 2)
        let first = life.use(100, 1)
        life.use(20, 2)
        #expect(life.refund(10, of: first, 3))
        #expect(life.account.grants[Int(dollars)].remaining == CreditLife.credits(10))
        #expect(life.account.grants[Int(euros)].remaining == CreditLife.credits(30))
    }

    /// D-19, D-24, D-27: holds.
    @Test func theRowsOfHolds() {
        func buckets() -> CreditLife {
            let life = CreditLife()
            life.recur(5, 0, every: 1, .hour)
            life.grant(20)
            return life
        }
        var life = buckets()
        let first = life.hold(8, 1, for: 100)
        #expect(life.left(1) == ["0", "17"] || life.left(1) == ["17", "0"])
        #expect(life.release(first))
        #expect(life.left(2).sorted() == ["20", "5"])
        #expect(!life.release(first))
        for (held, settled, left) in [
            (8, 5, ["0", "20"]), (5, 3, ["2", "20"]), (5, 8, ["0", "17"]), (8, 8, ["0", "17"]),
            (8, 0, ["5", "20"]),
        ] as [(Int128, Int128, [String])] {
            life = buckets()
            let hold = life.hold(held, 1)
            #expect(life.settle(hold, settled, 2))
            #expect(life.left(2).sorted() == left.sorted(), "\(held) \(settled)")
            #expect(!life.settle(hold, 1, 3))
        }
        // D-27: nobody finalises it.
        life = CreditLife()
        life.grant(10)
        let forgotten = life.hold(8, 1, for: 100)
        #expect(life.balance(100) == "2" && life.balance(101) == "10")
        #expect(!life.settle(forgotten, 8, 101))
        // A hold that outlives its grant gives back what has expired.
        life = CreditLife()
        life.grant(10, until: 50)
        _ = life.hold(8, 1, for: 100)
        life.go(200)
        #expect(life.account.totals(of: "u").expired == CreditLife.credits(10).units)
        // What comes back to a void grant is void.
        life = CreditLife()
        let grant = life.grant(10)
        let hold = life.hold(8, 1)
        #expect(life.void(grant) && life.release(hold))
        #expect(life.account.totals(of: "u").voided == CreditLife.credits(10).units)
    }

    @Test func restrictedAndCheaperAndLate() {
        var life = CreditLife()
        life.grant(10, features: ["other"])
        let general = life.grant(10)
        let mine = life.grant(10, features: ["f"])
        life.use(12, 1)
        #expect(life.account.grants[Int(mine)].remaining == .zero)
        #expect(life.account.grants[Int(general)].remaining == CreditLife.credits(8))
        #expect(life.balance(1) == "8")
        life = CreditLife(order: [.cost])
        life.grant(10, cost: 3)
        let cheap = life.grant(10, cost: 1)
        let free = life.grant(10)
        life.use(15, 1)
        #expect(life.account.grants[Int(free)].remaining == .zero)
        #expect(life.account.grants[Int(cheap)].remaining == CreditLife.credits(5))
        // A late use draws from what was valid then, a period of a recurring grant too.
        life = CreditLife()
        life.recur(10, 0, every: 1, .day)
        life.use(4, 3 * Self.day, at: Self.day + 5)
        #expect(life.account.grants[1].remaining == CreditLife.credits(6))
        #expect(life.balance(3 * Self.day) == "10")
    }

    /// Whoever looks in between changes nothing.
    @Test(arguments: Seeds.all)
    func lookingChangesNothing(seed: UInt64) {
        var dice = SeededGenerator(seed)
        for _ in 0..<40 {
            let (one, two) = (CreditLife(), CreditLife())
            var time: Int64 = 0
            var holds: [UInt64] = []
            for _ in 0..<25 {
                time += [0, 1, Self.hour / 2, Self.hour, Self.day].randomElement(using: &dice) ?? 0
                for _ in 0..<Int.random(in: 0...2, using: &dice) {
                    two.account.advance(to: Self.at(time), position: 0, rules: two.rules)
                }
                switch Int.random(in: 0..<7, using: &dice) {
                case 0:
                    let (amount, until) = (Int128.random(in: 1...50, using: &dice), time + Self.day)
                    one.grant(amount, time, until: until)
                    two.grant(amount, time, until: until)
                case 1 where one.account.recurring.count < 2:
                    let most = Int128.random(in: 0...20, using: &dice)
                    let over = Rollover(
                        max: CreditLife.credits(most), min: CreditLife.credits(min(most, 2)))
                    one.recur(10, time, every: 5, .hour, rollover: over)
                    two.recur(10, time, every: 5, .hour, rollover: over)
                case 2 where one.balance(time) != "0":
                    holds.append(one.hold(1, time, for: 7 * Self.hour))
                    _ = two.hold(1, time, for: 7 * Self.hour)
                case 3:
                    guard let hold = holds.popLast() else { continue }
                    let amount = Int128.random(in: 0...3, using: &dice)
                    let done = (one.settle(hold, amount, time), two.settle(hold, amount, time))
                    #expect(done.0 == done.1)
                default:
                    let amount = Int128.random(in: 0...30, using: &dice)
                    let own = time - Int64.random(in: 0...2, using: &dice) * Self.day
                    one.use(amount, time, at: own)
                    two.use(amount, time, at: own)
                }
                #expect(
                    one.account.grants.map(\.remaining) == two.account.grants.map(\.remaining))
            }
            one.go(time)
            two.go(time)
            #expect(one.account.totals(of: "u") == two.account.totals(of: "u"))
        }
    }
}
