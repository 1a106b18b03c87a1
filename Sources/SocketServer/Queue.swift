/// First in, first out, in an array whose memory is reused.
struct Queue<Element> {
    /// Taken elements are nil, so that what they hold is released at once.
    private var items: [Element?] = []
    private var start = 0
    /// Elements for which memory is kept when it is empty.
    private let kept: Int

    /// An empty queue. What a burst needed once is given back, beyond `keeping` elements.
    init(keeping kept: Int) { self.kept = kept }

    var isEmpty: Bool { start == items.count }
    var count: Int { items.count - start }

    /// The oldest element.
    var first: Element? {
        get { start < items.count ? items[start] : nil }
        set {
            precondition(start < items.count, "an empty queue has no first element")
            items[start] = newValue
            if newValue == nil { removeFirst() }
        }
    }

    mutating func append(_ element: Element) { items.append(element) }

    @discardableResult
    mutating func popFirst() -> Element? {
        guard start < items.count else { return nil }
        let element = items[start].take()
        removeFirst()
        return element
    }

    /// Calls `change` for the newest element, then for older ones, as long as it answers true.
    mutating func changeFromLast(_ change: (inout Element) -> Bool) {
        var index = items.count - 1
        while index >= start {
            guard var element = items[index].take() else { return }
            let goesOn = change(&element)
            items[index] = element
            if !goesOn { return }
            index -= 1
        }
    }

    private mutating func removeFirst() {
        start += 1
        if start == items.count {
            items.removeAll(keepingCapacity: items.capacity <= kept)
            start = 0
        } else if start >= 64, start * 2 >= items.count {
            items.removeFirst(start)
            start = 0
        }
    }
}
